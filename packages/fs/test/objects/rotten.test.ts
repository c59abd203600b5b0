import { open, stat } from "node:fs/promises"
import { join } from "node:path"
import { type CheckpointStore, createManifest } from "@ckpt/core"
import { expect, onTestFinished, test } from "vitest"
import type { FileApi } from "../../src/files/file-api.js"
import { openFsStore } from "../../src/index.js"
import { folderOf } from "../backend/support.js"
import { errno, watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // The waits between attempts are not what is tested; a time-out never comes.
  sleep: (ms: number) => (ms > 5_000 ? new Promise<void>(() => {}) : Promise.resolve()),
}

/** Three checkpoints with states, read by a store on whose disk the files that match cannot be read. */
async function rotting(layout: "directory" | "objects", rotten: RegExp, call = "read"): Promise<CheckpointStore> {
  const root = await temporaryFolder()
  const writer = await openFsStore(root, { layout })
  for (const checkpointId of [1, 2, 3]) {
    await writer.save(createManifest({ checkpointId, epoch: 1 }), { state: new Uint8Array(100).fill(checkpointId) })
  }
  await writer.close()
  const store = await openFsStore(root, { layout, files: rottenFiles(rotten, call), clock })
  onTestFinished(() => store.close())
  return store
}

function rottenFiles(rotten: RegExp, call = "read"): FileApi {
  return watchFiles({
    before({ name, path }) {
      if (name === call && rotten.test(path)) throw errno("EIO")
    },
  })
}

const manifestOf = (id: number) => new RegExp(`(?:checkpoint_00000${id}/manifest|manifest-00000${id})\\.json`)
const stateOf = (id: number) => new RegExp(`(?:checkpoint_00000${id}/state|state-00000${id})\\.bin`)

for (const layout of ["directory", "objects"] as const) {
  for (const [what, of] of [
    ["manifest", manifestOf],
    ["state", stateOf],
  ] as const) {
    test(`${layout} layout: a ${what} that cannot be read is that checkpoint's damage, and recovery goes past it`, async () => {
      const store = await rotting(layout, of(3))
      const found = await store.recover()
      expect([found.checkpoint?.id, found.skipped.map(({ id }) => id)]).toEqual([2, [3]])
      expect(await store.verify(3)).toMatchObject({ valid: false })
      const restored = await store.restore(async (checkpoint) => (await checkpoint.state())?.bytes())
      expect([restored.checkpoint?.id, restored.value?.[0]]).toEqual([2, 2])
    })
  }

  test(`${layout} layout: an old checkpoint that cannot be read can be removed`, async () => {
    const store = await rotting(layout, manifestOf(1))
    expect(await store.remove(1)).toBe(true)
    expect(await store.ids()).toEqual([2, 3])
  })

  test(`${layout} layout: nothing that can be read is exhausted, never fresh; so is a pointer that cannot be read`, async () => {
    const nothing = await rotting(layout, /./)
    const found = await nothing.recover()
    expect([found.outcome, found.skipped.length]).toEqual(["exhausted", 3])
    const pointer = await rotting(layout, /latest\./)
    expect((await pointer.recover()).checkpoint?.id).toBe(3)
  })

  test(`${layout} layout: a claim that cannot be read says nothing of its holder, and holds all the same`, async () => {
    const root = await temporaryFolder()
    await using before = await openFsStore(root, { layout })
    const ended = await before.claim()
    await ended.save(createManifest({ checkpointId: 1, epoch: 1 }))
    await ended.close()
    await using store = await openFsStore(root, { layout, clock, files: rottenFiles(/claim-/) })
    await expect(store.save(createManifest({ checkpointId: 2, epoch: 1 }))).rejects.toMatchObject({
      code: "CKPT_FENCED",
    })
    await using leader = await store.claim()
    expect(await leader.save(createManifest({ checkpointId: 2, epoch: 1 }))).toMatchObject({ isLatest: true })
  })

  test.each(["claim", "repair"] as const)(
    `${layout} layout: a history that cannot be read is lost: readers go on, and %s builds it anew`,
    async (how) => {
      const root = await temporaryFolder()
      await using before = await openFsStore(root, { layout })
      for (const checkpointId of [1, 2, 3]) await before.save(createManifest({ checkpointId, epoch: 1 }))
      await before.prune({ last: 2 })
      const path = join(root, layout === "directory" ? "checkpoints" : "manifests", "history.json")
      const { ino } = await stat(path)
      let isRotten = true
      const files = watchFiles({
        before({ name, path: read }) {
          if (isRotten && name === "read" && read === path) throw errno("EIO")
        },
        // The rotten blocks are those of the old file.
        after({ name, to }) {
          if (name === "rename" && to === path) isRotten = false
        },
      })
      await using store = await openFsStore(root, { layout, clock, files })
      expect((await store.recover()).checkpoint?.id).toBe(3)
      expect(await store.ids()).toEqual([2, 3])
      await expect(store.prune({ last: 1 })).rejects.toMatchObject({
        code: "CKPT_CORRUPT",
        message: expect.stringMatching(
          /history\.json is lost: .*EIO.*[^.]\. Nothing was changed or removed\. claim\(\) builds/,
        ),
      })
      if (how === "claim") {
        await using leader = await store.claim()
        expect(await leader.save(createManifest({ checkpointId: 4, epoch: 1 }))).toMatchObject({ outcome: "created" })
        expect((await leader.prune({ last: 1 })).removed).toEqual([2, 3])
      } else {
        await store.repair()
        expect(await store.save(createManifest({ checkpointId: 4, epoch: 1 }))).toMatchObject({ outcome: "created" })
        expect((await store.prune({ last: 1 })).removed).toEqual([2, 3])
      }
      expect((await stat(path)).ino).not.toBe(ino)
    },
  )

  test(`${layout} layout: a directory that cannot be listed, and a file that cannot be opened, are an outage`, async () => {
    for (const call of ["readdir", "open"]) {
      const store = await rotting(layout, call === "open" ? manifestOf(3) : /./, call)
      await expect(store.recover(), call).rejects.toMatchObject({ code: "CKPT_IO" })
    }
  })
}

test.each(["directory", "objects"] as const)(
  "%s layout: a pointer that cannot be read is replaced by the next save",
  async (layout) => {
    const store = await rotting(layout, /latest\./)
    expect(await store.save(createManifest({ checkpointId: 4, epoch: 1 }))).toMatchObject({ isLatest: true })
    expect((await store.recover()).checkpoint?.id).toBe(4)
  },
)

// As a bad sector does it, which no listing shows. Retention of a process that has read them would trust its memory.
test("prune reads the latest checkpoint, and takes no sound one because of a manifest that has rotted since it was read", async () => {
  const root = await temporaryFolder()
  const store = await openFsStore(root)
  for (let id = 1; id <= 6; id++) await store.save(createManifest({ checkpointId: id, epoch: 1 }))
  await store.prune({ last: 6 })
  for (const id of [5, 6]) {
    const path = join(root, "checkpoints", folderOf(id), "manifest.json")
    const { atime, mtime } = await stat(path)
    // Times that can be put back exactly.
    const [whole, rotten] = [new Date(Math.floor(mtime.getTime() / 1000) * 1000), await open(path, "r+")]
    await rotten.utimes(atime, whole)
    await store.verify(id)
    await store.prune({ last: 6 })
    await rotten.write("XXXX", 10)
    await rotten.utimes(atime, whole)
    await rotten.close()
  }
  expect(await store.prune({ last: 1 })).toMatchObject({ removed: [1, 2, 3], kept: [4, 5, 6] })
  expect(await store.recover()).toMatchObject({ outcome: "recovered", checkpoint: { id: 4 } })
  await store.close()
})
