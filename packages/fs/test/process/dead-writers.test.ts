import { lstat, readdir, utimes } from "node:fs/promises"
import { createManifest, openFsStore } from "@ckpt/fs"
import { describe, expect, onTestFinished, test } from "vitest"
import { temporaryFolder } from "../folder.js"
import { type Child, signsOfWriters, start, temporaryNames, wasKilled } from "./support.js"

const cases = (["directory", "objects"] as const).flatMap((layout) =>
  (["save", "writeState"] as const).map((operation) => ({ layout, operation })),
)

/** A process that stands still in the middle of an operation of checkpoint 2. */
async function stuck(root: string, { layout, operation }: (typeof cases)[number]): Promise<Child> {
  const child = start("stuck.mjs", [root, layout, operation])
  onTestFinished(() => void child.process.kill("SIGKILL"))
  await child.lines(1)
  expect(child.text()).toBe("silent\n")
  return child
}

async function killed(child: Child): Promise<void> {
  child.process.kill("SIGKILL")
  expect(wasKilled(await child.ended)).toBe(true)
}

const manifest = (checkpointId: number) => createManifest({ checkpointId, epoch: checkpointId })

/** As if nothing had happened to the temporary names, and to what is in them, for so long. */
async function backdate(root: string, ms: number): Promise<void> {
  const time = new Date(Date.now() - ms)
  for (const name of await temporaryNames(root)) {
    const path = `${root}/${name}`
    if ((await lstat(path)).isDirectory()) {
      for (const inside of await readdir(path)) await utimes(`${path}/${inside}`, time, time)
    }
    await utimes(path, time, time)
  }
}

describe.each(cases)("what $operation left in the layout $layout", (one) => {
  const { layout } = one

  test("goes with the first retention after its writer was killed, however young it is", async () => {
    const root = await temporaryFolder()
    await using store = await openFsStore(root, { layout, retain: { last: 2 } })
    await store.save(manifest(1))
    for (let kill = 0; kill < 3; kill++) await killed(await stuck(root, one))
    expect((await temporaryNames(root)).length).toBeGreaterThanOrEqual(3)
    expect((await store.prune({ last: 2 }, { dryRun: true })).removed).toEqual([])
    expect((await temporaryNames(root)).length).toBeGreaterThanOrEqual(3)
    await store.save(manifest(3))
    expect(await store.ids()).toEqual([1, 3])
    expect(await temporaryNames(root)).toEqual([])
    expect((await store.recover()).checkpoint?.id).toBe(3)
  })

  test("goes by a collection too, whatever its limit", async () => {
    const root = await temporaryFolder()
    await using store = await openFsStore(root, { layout })
    await store.save(manifest(1))
    await killed(await stuck(root, one))
    const signs = (await signsOfWriters(root)).filter((name) => !name.includes(`_${process.pid}_`))
    expect(signs).toHaveLength(1)
    const left = [...(await temporaryNames(root)).filter((name) => /^[^.]*\/\.[^/]*$/.test(name)), ...signs]
    const { removed, failures } = await store.collectOrphans({ olderThanMs: 24 * 3_600_000 })
    expect([[...removed].sort(), failures]).toEqual([left.sort(), []])
    expect(await temporaryNames(root)).toEqual([])
  })

  test("stays while its writer lives, however long it is silent, and is saved then", async () => {
    const root = await temporaryFolder()
    await using store = await openFsStore(root, { layout, retain: { last: 1 } })
    await store.save(manifest(1))
    const child = await stuck(root, one)
    const before = (await temporaryNames(root)).sort()
    await backdate(root, 2 * 3_600_000)
    expect(await store.collectOrphans()).toMatchObject({ removed: [], failures: [] })
    expect(await store.collectOrphans({ olderThanMs: 0 })).toMatchObject({ removed: [], failures: [] })
    await store.save(manifest(3))
    expect(await store.ids()).toEqual([3])
    expect((await temporaryNames(root)).sort()).toEqual(before)
    child.process.stdin?.write("go on\n")
    const ended = await child.ended
    expect(ended).toMatchObject({ code: 0, stderr: "", lines: ["silent", "done"] })
    if (one.operation === "save") expect((await store.verify(2, { depth: "deep" })).valid).toBe(true)
    expect(await temporaryNames(root)).toEqual([])
  })
})

test("what another store of this process is writing stays, however long its source is silent", async () => {
  const root = await temporaryFolder()
  await using writer = await openFsStore(root)
  await using store = await openFsStore(root)
  await store.save(manifest(1))
  let silent = () => {}
  let goOn = () => {}
  const isSilent = new Promise<void>((resolve) => {
    silent = resolve
  })
  const mayGoOn = new Promise<void>((resolve) => {
    goOn = resolve
  })
  async function* source() {
    yield new Uint8Array(9 << 20)
    silent()
    await mayGoOn
    yield new Uint8Array(1)
  }
  const saving = writer.save(manifest(2), { state: source() })
  await isSilent
  await backdate(root, 2 * 3_600_000)
  expect((await store.collectOrphans()).removed).toEqual([])
  goOn()
  expect((await saving).outcome).toBe("created")
})
