import { execFileSync } from "node:child_process"
import { mkdir, readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import type { CheckpointStore } from "@ckpt/core"
import { createManifest } from "@ckpt/core"
import { describe, expect, onTestFinished, test } from "vitest"
import { openFsStore } from "../../src/index.js"
import { temporaryFolder } from "../folder.js"

const quick = { retry: { attempts: 1 } }
const manifest = (checkpointId: number) => createManifest({ checkpointId, epoch: checkpointId })
const gone = { code: "CKPT_IO", retryable: true, message: expect.stringContaining("is gone") }

const losses: readonly (readonly [string, (folder: string) => Promise<unknown>])[] = [
  ["is removed", (folder) => rm(folder, { recursive: true })],
  [
    "is replaced by an empty folder",
    async (folder) => {
      await rename(folder, `${folder}-aside`)
      await mkdir(folder)
    },
  ],
]

/** Every operation that would answer from an empty folder, or write into it. */
function operations(store: CheckpointStore): Record<string, () => Promise<unknown>> {
  return {
    save: () => store.save(manifest(9), { state: new Uint8Array([9]) }),
    writeState: () => store.writeState(9, new Uint8Array([9])),
    update: () => store.update(1, (current) => ({ ...current, sinkEpochs: { s: 1 } })),
    remove: () => store.remove(1),
    load: () => store.load(1),
    loadLatest: () => store.loadLatest(),
    ids: () => store.ids(),
    list: async () => {
      for await (const _ of store.list());
    },
    nextId: () => store.nextId(),
    readState: () => store.readState(1),
    verify: () => store.verify(1),
    recover: () => store.recover(),
    restore: () => store.restore(async () => 0),
    prune: () => store.prune({ last: 1 }),
    collectOrphans: () => store.collectOrphans(),
    pin: () => store.pin(1, "p"),
    unpin: () => store.unpin("p"),
    pins: () => store.pins(),
    claim: () => store.claim(),
  }
}

describe.each(["directory", "objects"] as const)("the root of a running store, %s layout", (layout) => {
  test.each(losses)("%s: every operation is an outage, and nothing is created", async (_, lose) => {
    const root = join(await temporaryFolder(), "data")
    await using store = await openFsStore(root, { ...quick, layout })
    await store.save(manifest(1), { state: new Uint8Array([1]) })
    await lose(root)
    for (const [name, run] of Object.entries(operations(store))) {
      await expect(run(), name).rejects.toMatchObject(gone)
      expect(await readdir(root).catch(() => []), name).toEqual([])
    }
  })

  test("a volume is unmounted and mounted again: nothing goes into the mount point, and the store goes on", async (context) => {
    const root = join(await temporaryFolder(), "mount")
    const disk = join(await temporaryFolder(), "disk")
    await mkdir(root)
    await mkdir(disk)
    const mount = () => execFileSync("mount", ["--bind", disk, root], { stdio: "pipe" })
    try {
      mount()
    } catch (error) {
      if (process.env["CI"] === "true") throw error
      context.skip("this user may not mount")
    }
    onTestFinished(() => void execFileSync("sh", ["-c", `umount -l "${root}" 2>/dev/null || true`]))
    await using store = await openFsStore(root, { ...quick, layout })
    await store.save(manifest(1))
    await store.save(manifest(2))
    execFileSync("umount", [root])
    await expect(store.save(manifest(3))).rejects.toMatchObject(gone)
    await expect(store.recover()).rejects.toMatchObject(gone)
    expect(await readdir(root)).toEqual([])
    mount()
    await store.save(manifest(3))
    expect((await store.recover()).checkpoint?.id).toBe(3)
  })
})

describe.each([
  { layout: "directory", prefix: "", folder: "checkpoints" },
  { layout: "objects", prefix: "", folder: "manifests" },
  { layout: "directory", prefix: "jobs/a/", folder: "jobs" },
  { layout: "objects", prefix: "jobs/a/", folder: "jobs" },
] as const)("the folder $folder of a running store, layout $layout, prefix '$prefix'", ({ layout, prefix, folder }) => {
  test.each(losses)("%s: every operation is an outage, and nothing is created in its place", async (_, lose) => {
    const root = await temporaryFolder()
    await using store = await openFsStore(root, { ...quick, layout, prefix })
    await store.save(manifest(1), { state: new Uint8Array([1]) })
    await lose(join(root, folder))
    for (const [name, run] of Object.entries(operations(store))) {
      // States have a folder of their own, which is there.
      if (name === "writeState" && folder === "manifests") continue
      await expect(run(), name).rejects.toMatchObject(gone)
      expect(await readdir(join(root, folder)).catch(() => []), name).toEqual([])
    }
  })
})

test("a root in the layer of a container's image goes on, although the first write makes it anew", async (context) => {
  const base = await temporaryFolder()
  const folder = (name: string) => join(base, name)
  const unmount = () => execFileSync("sh", ["-c", `umount -l "${folder("merged")}" "${base}" 2>/dev/null || true`])
  try {
    execFileSync("mount", ["-t", "tmpfs", "ckpt-test", base], { stdio: "pipe" })
    onTestFinished(() => void unmount())
    for (const name of ["image", "upper", "work", "merged"]) await mkdir(folder(name))
    await using before = await openFsStore(folder("image/data"))
    await before.save(manifest(1))
    const layers = `lowerdir=${folder("image")},upperdir=${folder("upper")},workdir=${folder("work")}`
    execFileSync("mount", ["-t", "overlay", "ckpt-test", "-o", layers, folder("merged")], { stdio: "pipe" })
  } catch (error) {
    if (process.env["CI"] === "true") throw error
    context.skip("this user may not mount")
  }
  await using store = await openFsStore(folder("merged/data"), { ...quick, retain: { last: 2 } })
  expect((await store.recover()).checkpoint?.id).toBe(1)
  for (const id of [2, 3]) expect((await store.save(manifest(id))).outcome).toBe("created")
  expect(await store.ids()).toEqual([2, 3])
})

test.each(losses)(
  "a claimed root %s: an outage for the leader and for the store that claimed, also before the first save",
  async (_, lose) => {
    for (const mustExist of [false, true]) {
      const root = join(await temporaryFolder(), "data")
      await using before = await openFsStore(root)
      await before.save(manifest(1))
      await using store = await openFsStore(root, { ...quick, mustExist })
      await using leader = await store.claim()
      await lose(root)
      for (const one of [leader, store]) {
        await expect(one.recover()).rejects.toMatchObject(gone)
        await expect(one.ids()).rejects.toMatchObject(gone)
        await expect(one.save(manifest(2))).rejects.toMatchObject({
          code: expect.stringMatching(/CKPT_IO|CKPT_FENCED/),
        })
      }
      expect(await readdir(root).catch(() => [])).toEqual([])
    }
  },
)

test("a store that only read is told as well", async () => {
  const root = join(await temporaryFolder(), "data")
  await using writer = await openFsStore(root)
  await writer.save(manifest(1))
  await using reader = await openFsStore(root, { ...quick, readOnly: true })
  expect((await reader.recover()).checkpoint?.id).toBe(1)
  await rm(root, { recursive: true })
  await expect(reader.recover()).rejects.toMatchObject(gone)
})

test("mustExist: a root that is not there is an outage from the start, for readers and writers, and is not created", async () => {
  const parent = await temporaryFolder()
  const root = join(parent, "data")
  await using store = await openFsStore(root, { ...quick, mustExist: true })
  for (const [name, run] of Object.entries(operations(store))) {
    const failure = { code: "CKPT_IO", message: expect.stringContaining("does not exist. Mount or create it") }
    await expect(run(), name).rejects.toMatchObject(failure)
  }
  expect(await readdir(parent)).toEqual([])
  await mkdir(root)
  expect((await store.recover()).outcome).toBe("fresh")
  await store.save(manifest(1))
})

test("a folder that is missing at a first start is still a fresh start", async () => {
  const root = join(await temporaryFolder(), "a/b/data")
  await using store = await openFsStore(root)
  expect((await store.recover()).outcome).toBe("fresh")
  await store.save(manifest(1))
  expect((await store.recover()).checkpoint?.id).toBe(1)
})
