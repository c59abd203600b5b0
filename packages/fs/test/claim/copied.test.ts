import {
  type CheckpointStore,
  createManifest,
  type LeaderStore,
  type ObjectBackend,
  openCheckpointStore,
} from "@ckpt/core"
import { expect, onTestFinished, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { bytes } from "../backend/support.js"
import { temporaryFolder } from "../folder.js"

/** As a bucket: it compares and swaps for all who write, and has no claims of its own. */
function bucketIn(folder: string): ObjectBackend {
  const files = new FsBackend(folder)
  return {
    name: "bucket",
    capabilities: { ...files.capabilities, compareAndSwap: "storage" },
    put: files.put.bind(files),
    get: files.get.bind(files),
    head: files.head.bind(files),
    list: files.list.bind(files),
    delete: files.delete.bind(files),
    now: files.now.bind(files),
    confirm: files.confirm.bind(files),
    leftovers: files.leftovers.bind(files),
    [Symbol.asyncDispose]: files[Symbol.asyncDispose].bind(files),
  }
}

/** Every object, as `rclone` or `aws s3 sync` copies them: the keys and the bytes, and nothing else. */
async function copy(from: ObjectBackend, to: ObjectBackend): Promise<void> {
  for await (const { key } of from.list("")) {
    const chunks: Uint8Array[] = []
    for await (const chunk of (await from.get(key))?.body ?? []) chunks.push(chunk)
    await to.put(key, chunks)
  }
}

const manifest = (id: number) => createManifest({ checkpointId: id, epoch: id })
const save = (store: CheckpointStore | LeaderStore, id: number) =>
  store.save(manifest(id), { state: bytes(`state ${id}`) })

async function opened(backend: ObjectBackend): Promise<CheckpointStore> {
  const store = await openCheckpointStore({ backend, layout: "objects" })
  onTestFinished(() => store.close())
  return store
}

async function claimed(store: CheckpointStore): Promise<LeaderStore> {
  const leader = await store.claim()
  onTestFinished(() => leader.close())
  return leader
}

test.each(["bucket to disk", "disk to bucket"])(
  "a claimed store that is copied from %s can be claimed and written there, and back again",
  async (direction) => {
    const bucket = () => temporaryFolder().then(bucketIn)
    const disk = async () => new FsBackend(await temporaryFolder())
    const places = direction === "bucket to disk" ? [bucket, disk, bucket] : [disk, bucket, disk]
    let before: ObjectBackend | undefined
    let epoch = 0
    for (const [n, place] of places.entries()) {
      const backend = await place()
      if (before !== undefined) await copy(before, backend)
      const plain = await opened(backend)
      // What was claimed elsewhere is claimed here: nobody writes without a claim.
      if (n > 0) await expect(save(plain, 90 + n)).rejects.toMatchObject({ code: "CKPT_FENCED" })
      const leader = await claimed(plain)
      expect(leader.epoch).toBe(++epoch)
      const found = await leader.recover()
      expect([found.checkpoint?.id ?? 0, found.skipped]).toEqual([3 * n, []])
      for (const id of [1, 2, 3]) await save(leader, 3 * n + id)
      await leader.pin(3 * n + 1, `from-${n}`)
      await leader.prune({ last: 2 })
      const kept = [...Array(n + 1).keys()].map((m) => 3 * m + 1)
      expect(await leader.ids()).toEqual([...kept, 3 * n + 2, 3 * n + 3])
      expect((await leader.pins()).map(({ id }) => id)).toEqual(kept)
      await expect(save(plain, 3 * n + 4)).rejects.toMatchObject({ code: "CKPT_FENCED" })
      before = backend
    }
  },
)
