import { expect, test } from "vitest"
import { CkptProcess, ckpt, objects } from "./ckpt.js"
import { opened, seed } from "./seed.js"
import { fileStorage, flagsOf, gcsStorage, s3Storage } from "./storages.js"

test("on a folder, --claim does not take the lead from a job that lives, and names it", async () => {
  const place = await fileStorage.newPlace()
  await seed(place)
  await using job = await opened(place)
  const leader = await job.store.claim()
  // In a process of its own the job would be another; within one process a claim goes over at once.
  const refused = new CkptProcess(["prune", place.url, "last=1", "--yes", "--claim"])
  expect((await refused.ended).code).toBe(1)
  expect(refused.stderr).toContain(`${process.pid}`)
  expect(refused.stderr).toContain("CKPT_FENCED")
  await leader.saveNext()
  const plain = await ckpt(["prune", place.url, "last=1", "--yes"])
  expect(plain).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/the store is claimed: claim 1 leads \(writer [0-9a-f]{32}\)/),
  })
  await leader.close()
})

test.each([s3Storage, gcsStorage].filter(({ runs }) => runs))(
  "$name: --claim takes the lead, and the job hears of it",
  async (storage) => {
    const place = await storage.newPlace()
    await seed(place)
    await using job = await opened(place)
    const leader = await job.store.claim()
    const run = (name: string, ...args: string[]) => ckpt([name, place.url, ...args, ...flagsOf(place)])
    expect((await run("pin", "3", "x")).stderr).toContain("claim 1 leads")
    expect(objects(await run("prune", "last=1", "--json"))[0]).toMatchObject({ claimed: true, removed: [1, 3] })
    await leader.saveNext()
    expect(await run("pin", "3", "x", "--claim")).toMatchObject({ code: 0, stdout: "pinned 3 as x\n" })
    await expect(leader.saveNext()).rejects.toMatchObject({ code: "CKPT_FENCED" })
    await leader.close()
    // The job goes on once it claims again.
    const again = await job.store.claim()
    await again.saveNext()
    await again.close()
    expect(objects(await run("ls", "--json")).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 8])
  },
)

test("an import, and a copy into a claimed store, need --claim as well", async () => {
  const [source, target] = await Promise.all([fileStorage.newPlace(), gcsStorage.newPlace()])
  await seed(source, 2)
  {
    await using found = await opened(target)
    await (await found.store.claim()).release()
  }
  const args = ["copy", source.url, target.url, ...flagsOf(target, "to-")]
  expect(await ckpt(args)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("the store is one of jobs that claim"),
  })
  expect(objects(await ckpt(["ls", target.url, "--json", ...flagsOf(target)]))).toEqual([])
  expect((await ckpt([...args, "--claim"])).code).toBe(0)
  expect(objects(await ckpt(["ls", target.url, "--json", ...flagsOf(target)]))).toHaveLength(2)
})
