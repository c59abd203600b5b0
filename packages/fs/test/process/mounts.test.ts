import { execFileSync } from "node:child_process"
import { chown, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type CheckpointStore, type FsStoreOptions, type LeaderStore, openFsStore, type StoreEvent } from "@ckpt/fs"
import type { TestContext } from "vitest"
import { describe, expect, onTestFinished, test } from "vitest"
import { temporaryFolder } from "../folder.js"
import { type Child, fill, mounted, mountedExt4, skipUnlessCi, start, tell } from "./support.js"
import { contentsOf, manifestOf } from "./workload.mjs"

const nobody = 65_534
const temporary = ".tmp-0123456789abcdef"

async function open(root: string, options: FsStoreOptions) {
  const passedOver: (readonly string[] | undefined)[] = []
  const onEvent = (event: StoreEvent) => {
    if (event.type === "claimed") passedOver.push(event.passedOver)
  }
  const store = await openFsStore(root, { ...options, onEvent })
  onTestFinished(() => store.close())
  return { store, passedOver }
}

async function claimed(store: CheckpointStore): Promise<LeaderStore> {
  const leader = await store.claim()
  onTestFinished(() => leader.close())
  return leader
}

/** Every name below the folder, with the bytes of each file. */
async function contents(path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const name = join(entry.parentPath, entry.name)
    found[name] = entry.isFile() ? await readFile(name, "latin1") : "a folder"
  }
  return found
}

function remount(path: string, how: "ro" | "rw"): void {
  execFileSync("mount", ["-o", `remount,${how}`, path])
}

const layouts = ["directory", "objects"] as const

describe.each(layouts)("claims among mounts, in the layout %s", (layout) => {
  test("the root of a filesystem, for a user who may not read its lost+found", async (context) => {
    if (process.getuid?.() !== 0) skipUnlessCi(context, "changing the user needs root")
    const root = await mountedExt4(context, 8)
    expect(await readdir(root)).toEqual(["lost+found"])
    await writeFile(join(root, "lost+found", temporary), "theirs")
    await chown(root, nobody, nobody)
    const child = start("second.mjs", [root, JSON.stringify({ layout }), String(nobody)])
    onTestFinished(() => void child.process.kill("SIGKILL"))
    expect(await tell(child, "save 1")).toBe("done")
    expect(await tell(child, "claim")).toBe("done; passed over lost+found")
    for (const command of ["save 2", "save 3", "prune", "collect", "recover", "close"])
      expect(await tell(child, command)).toBe("done")
    expect(await readdir(join(root, "lost+found"))).toEqual([temporary])
  })

  test("a snapshot of the whole store below the root, read-only, with claims of its own", async (context) => {
    const root = await temporaryFolder()
    const { store } = await open(root, { layout })
    for (const id of [1, 2]) await store.save(manifestOf(id), contentsOf(id))
    const before = await claimed(store)
    await before.close()
    const snapshot = join(root, ".snapshots", "1")
    await mkdir(snapshot, { recursive: true })
    await mounted(context, "size=8m", snapshot)
    for (const name of await readdir(root))
      if (name !== ".snapshots") await cp(join(root, name), join(snapshot, name), { recursive: true })
    for (const folder of ["checkpoints", ".claims"]) await writeFile(join(snapshot, folder, temporary), "theirs")
    // The holder of the snapshot's claim seems to live.
    await rm(join(snapshot, ".claims", "released-000001"))
    remount(snapshot, "ro")
    const snapped = await contents(snapshot)

    const { store: plain, passedOver } = await open(root, { layout })
    const leader = await claimed(plain)
    expect(passedOver).toEqual([[".snapshots"]])
    await leader.save(manifestOf(3))
    expect((await leader.prune({ last: 1 })).failures).toEqual([])
    expect((await leader.collectOrphans({ olderThanMs: 0 })).failures).toEqual([])
    expect(await leader.ids()).toEqual([3])
    expect(await contents(snapshot)).toEqual(snapped)
    // What is in the snapshot can be read, and says what it is when it is written to.
    const { store: old } = await open(snapshot, { layout, readOnly: true })
    expect((await old.recover()).checkpoint?.id).toBe(2)
    const { store: writer } = await open(snapshot, { layout })
    await expect(writer.claim()).rejects.toMatchObject({
      code: "CKPT_DENIED",
      message: expect.stringContaining("EROFS"),
    })
  })

  test("the store's own folder on another device: it is claimed, swept and written to; only what lies deeper is passed over", async (context) => {
    const root = await temporaryFolder()
    const inner = join(root, "checkpoints")
    await mkdir(inner)
    await mounted(context, "size=8m", inner)
    const { store, passedOver } = await open(root, { layout })
    await store.save(manifestOf(1))
    // The layout "objects" has no deeper folders.
    const deeper = layout === "directory" ? [join(inner, "checkpoint_000009")] : []
    for (const folder of deeper) {
      await mkdir(folder)
      await mounted(context, "size=1m", folder)
    }
    for (const folder of [inner, ...deeper]) await writeFile(join(folder, temporary), "under way")
    const leader = await claimed(store)
    const over = deeper.map((folder) => folder.slice(root.length + 1))
    expect(passedOver).toEqual([over.length === 0 ? undefined : over])
    expect(await readdir(inner)).not.toContain(temporary)
    for (const folder of deeper) expect(await readdir(folder)).toEqual([temporary])
    await expect(store.save(manifestOf(2))).rejects.toMatchObject({ code: "CKPT_FENCED" })
    await leader.save(manifestOf(2))
    expect(await leader.ids()).toEqual([1, 2])
  })
})

/** Each way to have no room, on a real filesystem whose folders need blocks of their own. */
const kinds = ["bytes", "inodes"] as const

function holder(root: string, options: FsStoreOptions): Child {
  const child = start("second.mjs", [root, JSON.stringify({ silentAfterMs: 600_000, ...options })])
  onTestFinished(() => void child.process.kill("SIGKILL"))
  return child
}

async function full(context: TestContext, what: (typeof kinds)[number], prepare: (root: string) => Promise<unknown>) {
  const root = await mountedExt4(context, 8, what === "inodes" ? 96 : 512)
  await prepare(root)
  await fill(root, what === "bytes" ? "pages" : "inodes")
  return root
}

describe.each(layouts.flatMap((layout) => kinds.map((what) => ({ layout, what }))))(
  "no $what left, in the layout $layout",
  ({ layout, what }) => {
    const options = { layout, silentAfterMs: 600_000 }

    test("a root that was claimed: claim, and then all that reads and all that makes room", async (context) => {
      const root = await full(context, what, async (path) => {
        const child = holder(path, { layout })
        for (const command of ["claim", "save 1", "pin 1", "save 2", "writeState 3", "save 4", "save 5", "save 6"])
          expect(await tell(child, command)).toMatch(/^done/)
        child.process.kill("SIGKILL")
        await child.ended
      })
      const { store } = await open(root, options)
      for (const change of [
        () => store.prune({ last: 1 }),
        () => store.remove(2),
        () => store.unpin("release"),
        () => store.save(manifestOf(9)),
      ])
        await expect(change()).rejects.toMatchObject({ code: "CKPT_FENCED" })
      const leader = await claimed(store)
      expect((await leader.recover()).checkpoint?.id).toBe(6)
      expect((await leader.verify(6, { depth: "deep" })).valid).toBe(true)
      expect([await leader.ids(), await leader.nextId()]).toEqual([[1, 2, 4, 5, 6], 7])
      expect((await leader.pins()).map(({ name }) => name)).toEqual(["release"])
      await expect(leader.save(manifestOf(7), contentsOf(7))).rejects.toMatchObject({ message: /ENOSPC/ })
      expect(await leader.unpin("release")).toBe(true)
      expect(await leader.remove(4)).toBe(true)
      expect(await leader.prune({ last: 2 })).toMatchObject({ removed: [1, 2], failures: [] })
      expect((await leader.collectOrphans({ olderThanMs: 0 })).failures).toEqual([])
      await leader.close()
      const next = await claimed(store)
      expect((await next.recover()).checkpoint?.id).toBe(6)
      expect((await next.save(manifestOf(7))).outcome).toBe("created")
    })

    test("a root that was never claimed: prune and remove make room without a claim; then it can be claimed", async (context) => {
      const root = await full(context, what, async (path) => {
        const { store } = await open(path, { layout })
        for (let id = 1; id <= 12; id++) await store.save(manifestOf(id))
        await store.close()
      })
      const { store } = await open(root, options)
      await expect(store.claim()).rejects.toMatchObject({ code: "CKPT_FULL", message: expect.stringMatching(/ENOSPC/) })
      expect((await store.recover()).checkpoint?.id).toBe(12)
      expect(await store.remove(1)).toBe(true)
      expect((await store.prune({ last: 1 })).removed).toHaveLength(10)
      await store.save(manifestOf(13))
      const leader = await claimed(store)
      await leader.save(manifestOf(14))
      await expect(store.save(manifestOf(15))).rejects.toMatchObject({ code: "CKPT_FENCED" })
      expect((await leader.recover()).checkpoint?.id).toBe(14)
    })
  },
)
