import { gate } from "@ckpt/conformance"
import { type CheckpointStore, createManifest, openCheckpointStore } from "@ckpt/core"
import { beforeEach, describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { syncFailed, UnsyncedNames } from "../../src/files/doubts.js"
import { temporaryFolder } from "../folder.js"
import { atMost, seed, within } from "./ledger.js"
import { Disk, type Fate, models, seeded } from "./power-cut.js"
import { layouts } from "./store-session.js"
import { forgetProcess } from "./support.js"
import { type Call, errno, type Watched, watchFiles } from "./watched-files.js"

beforeEach(forgetProcess)

const manifestOf = {
  directory: (id: number) => `checkpoints/checkpoint_00000${id}/manifest.json`,
  objects: (id: number) => `manifests/manifest-00000${id}.json`,
}

/** Where the name of a new checkpoint is. */
const folderOf = { directory: /\/checkpoints$/, objects: /\/manifests$/ }

describe.each(layouts)("a checkpoint that is found, in the layout %s", (layout) => {
  const open = (root: string, files: Watched, timeoutMs = Number.POSITIVE_INFINITY) =>
    openCheckpointStore({ backend: new FsBackend(root, { files }), layout, timeoutMs })

  const save = (store: CheckpointStore, id: number) =>
    store.save(createManifest({ checkpointId: id, epoch: 1 }), { state: new Uint8Array(10) })

  /** A process saves a checkpoint, and is killed between its name and the sync of that. */
  async function savedByTheKilled(disk: Disk, root: string, id: number): Promise<void> {
    const death = gate()
    let isNamed = false
    let isDead = false
    const files = disk.files({
      hangs: ({ name, to = "" }) => {
        isDead ||= isNamed && name === "sync"
        isNamed ||= (name === "link" || name === "rename") && /manifest-\d+\.json$|checkpoint_\d+$/.test(to)
        if (isDead) death.open()
        return isDead
      },
    })
    const store = await open(root, files)
    save(store, id).catch(() => {})
    await death.passed
    await files.release()
  }

  /** In how many of the states that a cut may leave none of these checkpoints is there. */
  function lostIn(disk: Disk, ...ids: number[]): number {
    const random = seeded(seed)
    const trees = models.flatMap((model) => [...disk.states(model, atMost, random)])
    return trees.filter((tree) => !ids.some((id) => within(tree).has(manifestOf[layout](id)))).length
  }

  test("a sync that recovery had given up, and that fails then, leaves the checkpoint in doubt", async () => {
    const base = await temporaryFolder()
    const root = `${base}/above/store`
    const disk = new Disk(base)
    await save(await open(root, disk.files()), 1)
    forgetProcess()
    await savedByTheKilled(disk, root, 2)
    forgetProcess()
    let fail: (fate: Fate) => void = () => undefined
    const fate = new Promise<Fate>((resolve) => {
      fail = resolve
    })
    let stalled = 0
    const stall = ({ path }: Call) => (folderOf[layout].test(path) && stalled++ === 0 ? fate : undefined)
    const store = await open(root, disk.files({ stall }), 100)
    await expect(store.recover()).rejects.toMatchObject({ code: "CKPT_TIMEOUT" })
    fail("fails")
    await expect(store.recover()).rejects.toMatchObject({ code: "CKPT_UNKNOWN_OUTCOME", checkpointId: 2 })
    expect(lostIn(disk, 1)).toBe(0)
    expect(lostIn(disk, 2)).toBeGreaterThan(0)
  })

  test("a sync that failed for another checkpoint leaves it in doubt: it is not recovered, and nothing goes because of it", async () => {
    const base = await temporaryFolder()
    const root = `${base}/above/store`
    const disk = new Disk(base)
    let fails = false
    const stall = ({ path }: Call) => {
      if (!fails || !folderOf[layout].test(path)) return undefined
      fails = false
      return Promise.resolve<Fate>("fails")
    }
    const store = await open(root, disk.files({ stall }))
    await save(store, 1)
    await savedByTheKilled(disk, root, 2)
    // What the killed one had under way is nothing that this process knows.
    forgetProcess()
    fails = true
    await expect(save(store, 3)).rejects.toMatchObject({ code: "CKPT_UNKNOWN_OUTCOME" })
    const accept = ({ checkpointId }: { checkpointId: number }) => checkpointId !== 3
    await expect(store.recover({ accept })).rejects.toMatchObject({ code: "CKPT_UNKNOWN_OUTCOME", checkpointId: 2 })
    expect((await store.prune({ last: 1 })).removed).toEqual([])
    expect(lostIn(disk, 1)).toBe(0)
    // What is saved from now on is durable, and whoever finds it may know.
    await save(store, 4)
    expect((await (await open(root, disk.files())).recover()).checkpoint?.id).toBe(4)
    expect(lostIn(disk, 4)).toBe(0)
  })

  test("whichever sync of a recovery fails: CKPT_UNKNOWN_OUTCOME with its reason, and again", async () => {
    for (let at = 0, isOver = false; !isOver; at++) {
      forgetProcess()
      const root = await temporaryFolder()
      await save(await open(root, watchFiles()), 1)
      let syncs = 0
      const files = watchFiles({
        before: ({ name }) => {
          if (name === "sync" && syncs++ === at) throw errno("EIO")
        },
      })
      const store = await open(root, files)
      isOver = await store.recover().then(
        () => true,
        async (error: unknown) => {
          expect(error).toMatchObject({ code: "CKPT_UNKNOWN_OUTCOME", checkpointId: 1 })
          expect(String(error)).toContain("(EIO)")
          await expect(store.recover()).rejects.toMatchObject({ code: "CKPT_UNKNOWN_OUTCOME" })
          return false
        },
      )
      if (isOver) expect(at).toBeGreaterThan(2)
    }
  })
})

test("a name that was synced after a failed sync of its folder is known, until the next one fails", () => {
  const found = () => {
    const names = new UnsyncedNames("/folder")
    names.addFound("/folder/name")
    names.end("untried")
  }
  syncFailed("/folder")
  expect(found).toThrow(/an earlier sync of its directory failed/)
  const made = new UnsyncedNames("/folder")
  made.add("/folder/name", "created")
  made.end("synced")
  found()
  // Another process may have changed the name since, and this failure took the change with it.
  syncFailed("/folder")
  expect(found).toThrow(/an earlier sync of its directory failed/)
})
