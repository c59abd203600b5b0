import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { openFsStore } from "@ckpt/fs"
import { expect, test } from "vitest"
import { CkptProcess, ckpt, objects, shell } from "./ckpt.js"
import { opened, seed } from "./seed.js"
import { fileStorage, flagsOf, folder, type Place, s3Storage } from "./storages.js"

/** A folder with so many checkpoints of 2 MiB each, so that a copy takes its time. */
async function large(count: number): Promise<Place> {
  const place = await fileStorage.newPlace()
  await using found = await opened(place)
  const state = new Uint8Array(2 * 1024 * 1024)
  for (let id = 1; id <= count; id++) await found.store.saveNext({}, { state: [state] })
  return place
}

test.each([fileStorage, s3Storage].filter(({ runs }) => runs))(
  "a copy to $name that was killed goes on, and ends whole",
  async (storage) => {
    const count = 25
    const source = await large(count)
    const target = await storage.newPlace()
    const args = ["copy", source.url, target.url, ...flagsOf(target, "to-")]
    const killed = new CkptProcess(args)
    await killed.lines(3)
    killed.child.kill("SIGKILL")
    expect(await killed.ended).toEqual({ code: null, signal: "SIGKILL" })
    const told = killed.stdout.split("\n").filter((line) => line.includes("copied")).length
    expect(told).toBeLessThan(count)

    // What it told is there, and nothing of what is there is half done.
    const between = objects(await ckpt(["verify", target.url, "--all", "--deep", "--json", ...flagsOf(target)]))
    expect(between.at(-1)).toMatchObject({ damaged: 0 })
    expect(between.length - 1).toBeGreaterThanOrEqual(told)

    const resumed = await ckpt([...args, "--json"])
    expect(resumed.code).toBe(0)
    const { copied, existed } = objects(resumed).at(-1) as { copied: number[]; existed: number[] }
    expect(existed.length).toBe(between.length - 1)
    expect(copied.length).toBe(count - existed.length)
    const after = objects(await ckpt(["verify", target.url, "--all", "--deep", "--json", ...flagsOf(target)]))
    expect(after.at(-1)).toMatchObject({ checked: count, damaged: 0 })
  },
)

test("Ctrl-C ends a copy that follows, with 130, and says how to go on", async () => {
  const source = await fileStorage.newPlace()
  await seed(source, 2)
  const target = `file:${await folder()}`
  const following = new CkptProcess(["copy", source.url, target, "--follow", "20ms"])
  await following.lines(2)
  {
    await using found = await opened(source)
    await found.store.saveNext({}, { state: new Uint8Array(10) })
  }
  await following.lines(3)
  following.child.kill("SIGINT")
  expect(await following.ended).toEqual({ code: 130, signal: null })
  expect(following.stderr).toContain("copied before it ended: 3 checkpoints. The same command goes on from there.")
  expect(following.stderr).toContain("interrupted")
})

test("Ctrl-C in the middle of a copy leaves no checkpoint half done, and tells none as done", async () => {
  const source = await large(25)
  const target = `file:${await folder()}`
  const copying = new CkptProcess(["copy", source.url, target])
  await copying.lines(3)
  copying.child.kill("SIGINT")
  expect(await copying.ended).toEqual({ code: 130, signal: null })
  const told = copying.stdout
    .split("\n")
    .filter((line) => line.includes("copied"))
    .map((line) => Number.parseInt(line, 10))
  expect(told.length).toBeLessThan(25)
  const verified = objects(await ckpt(["verify", target, "--all", "--deep", "--json"]))
  expect(verified.slice(0, -1).map(({ id, valid }) => [id, valid])).toEqual(told.map((id) => [id, true]))
  expect((await ckpt(["gc", target, "--older-than", "0ms"])).stderr).toContain("nothing would go")
})

test("Ctrl-C while a checkpoint is extracted or exported leaves nothing under the name", async () => {
  const dir = await folder()
  const store = await openFsStore(join(dir, "store"))
  await store.saveNext({}, { state: [new Uint8Array(128 * 1024 * 1024)] })
  await store.close()
  for (const args of [
    ["recover", "--to", "out"],
    ["export", "latest", "out"],
  ]) {
    const [name = "", ...rest] = args
    const running = new CkptProcess([name, `file:${join(dir, "store")}`, ...rest], { cwd: dir })
    // It has begun once the unfinished name is there.
    while ((await readdir(dir)).length === 1) await Promise.race([running.ended, new Promise(setImmediate)])
    running.child.kill("SIGINT")
    expect(await running.ended).toEqual({ code: 130, signal: null })
    expect(await readdir(dir)).toEqual(["store"])
  }
}, 60_000)

test("SIGTERM ends a watch, with 143", async () => {
  const place = await fileStorage.newPlace()
  await seed(place, 1)
  const watching = new CkptProcess(["watch", place.url])
  await watching.lines(1)
  watching.child.kill("SIGTERM")
  expect(await watching.ended).toEqual({ code: 143, signal: null })
})

test("a reader that has enough, as head, ends the command without a word", async () => {
  const place = await large(2)
  const many = await fileStorage.newPlace()
  {
    await using found = await opened(many)
    for (let id = 1; id <= 300; id++) await found.store.saveNext({ labels: { text: "x".repeat(900) } })
  }
  const cases: [string, string][] = [
    [`ckpt ls ${many.url} --json | head -n 1 | cut -c 1-25`, '{"v":1,"type":"checkpoint'],
    [`ckpt ls ${many.url} | head -n 1 | cut -c 1-2`, " I"],
    [`ckpt cat ${place.url} latest | head -c 10 | wc -c`, "10"],
    [`ckpt export ${place.url} latest - | head -c 11`, "checkpoints"],
  ]
  for (const [text, start] of cases) {
    const seen = await shell(`${text}; echo " \${PIPESTATUS[0]}"`)
    expect(seen.stderr.replace(/^\d+ checkpoints\n$/, "")).toBe("")
    expect(seen.stdout).toContain(start)
    expect(seen.stdout).toMatch(/ 0\n$/)
  }
})

test("the tar of a pipe is the tar of a file, and import takes it from a pipe", async () => {
  const dir = await folder()
  const place = await fileStorage.newPlace()
  await seed(place, 3)
  const { code, stderr } = await shell(
    `cd ${dir} && ckpt export ${place.url} 3 a.tar >/dev/null && ckpt export ${place.url} 3 - > b.tar && cmp a.tar b.tar && ` +
      "cat b.tar | ckpt import - file:./other && ckpt verify file:./other 3 --deep",
  )
  expect(stderr).toContain("all valid")
  expect(code).toBe(0)
  expect((await stat(join(dir, "a.tar"))).size).toBeGreaterThan(70_000)
})
