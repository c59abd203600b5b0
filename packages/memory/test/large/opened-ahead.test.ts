import { setImmediate } from "node:timers/promises"
import { gate, LeapingClock, settled } from "@ckpt/conformance"
import { BackendError, type CheckpointStore, createManifest, type GetOptions, openCheckpointStore } from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { pattern, sameBytes, WatchedBackend } from "./watched-backend.js"

const stateKey = "checkpoints/state-000001.bin"
const manifestKey = "manifests/manifest-000001.json"
const size = 3_000

async function saved({
  ranges = { bytes: 1_000, concurrency: 3 },
}: {
  ranges?: WatchedBackend["capabilities"]["ranges"]
} = {}) {
  const backend = new WatchedBackend({ chunkBytes: 100, ...(ranges && { ranges }) })
  const open = () => openCheckpointStore({ backend, clock: new LeapingClock(), random: () => 0.5 })
  const store = await open()
  const state = pattern(size)
  await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state })
  backend.resetCounts()
  return { backend, open, store, state }
}

/** Runs `change` when the manifest is asked for, before it is read: the state is open by then. */
function beforeManifest(backend: WatchedBackend, change: () => Promise<unknown>): void {
  const get = backend.get.bind(backend)
  backend.get = async (key: string, options?: GetOptions) => {
    if (key === manifestKey) {
      backend.get = get
      await settled()
      await change()
    }
    return get(key, options)
  }
}

/** In the place of checkpoint 1: retention removes it, and its id is saved again. */
async function replaced(open: () => Promise<CheckpointStore>, backend: WatchedBackend, state: Uint8Array) {
  await backend.delete([manifestKey, stateKey])
  await (await open()).save(createManifest({ checkpointId: 1, epoch: 1 }), { state })
}

const bytesOf = async (store: CheckpointStore) => (await store.readState(1))?.bytes()

describe("the state is opened beside its manifest", () => {
  test("so nobody looks at it before; a reader that begins at once gets what was opened", async () => {
    const { backend, store, state } = await saved()
    expect(sameBytes(await bytesOf(store), state)).toBe(true)
    expect(backend.heads).toEqual([])
    expect(backend.gets.length).toBe(1)
    expect(backend.openBodies).toBe(0)
  })

  test("until its manifest is read, no more than one range of it is fetched", async () => {
    const { backend, store, state } = await saved()
    let before = 0
    beforeManifest(backend, async () => {
      before = backend.given
    })
    expect(sameBytes(await bytesOf(store), state)).toBe(true)
    // One chunk beyond it is on its way.
    expect(before).toBe(11)
  })

  test("a reader that begins later opens it again, and holds no connection until then", async () => {
    const { backend, store, state } = await saved()
    const reader = await store.readState(1)
    await setImmediate()
    await settled()
    expect(backend.openBodies).toBe(0)
    expect(sameBytes(await reader?.bytes(), state)).toBe(true)
    expect(sameBytes(await reader?.bytes(), state)).toBe(true)
    expect(backend.gets.length).toBe(3)
  })

  test("a part is not", async () => {
    const { backend, store } = await saved()
    await (await store.readState(1, { offset: 1 }))?.bytes()
    expect(backend.heads).toEqual([stateKey])
    expect(backend.gets.map(({ range }) => range)).toEqual([{ offset: 1, length: size - 1 }])
  })

  test("where one request is as fast as many it is not: such a storage is near", async () => {
    const { backend, store } = await saved({ ranges: { bytes: 1_000, concurrency: 1 } })
    await bytesOf(store)
    expect(backend.heads).toEqual([stateKey])
  })

  test.each(["manifest", "abort", "close"])("a call that fails closes it: %s", async (how) => {
    const { backend, store } = await saved()
    const stop = new AbortController()
    const hang = gate()
    beforeManifest(backend, async () => {
      if (how === "manifest") throw new BackendError("permanent", "no")
      await hang.passed
    })
    const reading = store.readState(1, { signal: stop.signal })
    reading.catch(() => {})
    await settled()
    if (how === "abort") stop.abort(new Error("enough"))
    if (how === "close") {
      hang.open()
      await store.close()
      await reading.catch(() => {})
      await settled()
    } else await expect(reading).rejects.toThrow()
    hang.open()
    await settled()
    expect(backend.openBodies).toBe(0)
  })

  test("an abort while it is read: no chunk that was fetched before is handed over", async () => {
    const { backend, store } = await saved()
    const stop = new AbortController()
    const chunks = (await store.readState(1, { signal: stop.signal }))?.[Symbol.asyncIterator]()
    await chunks?.next()
    await settled()
    stop.abort(new Error("enough"))
    await expect(chunks?.next()).rejects.toThrow("enough")
    await settled()
    expect(backend.openBodies).toBe(0)
  })
})

describe("what was opened before the manifest was read may be another checkpoint's", () => {
  test("of another size: the state that is there now is read", async () => {
    const { backend, open, store } = await saved()
    const state = pattern(size + 1, 2)
    beforeManifest(backend, () => replaced(open, backend, state))
    expect(sameBytes(await bytesOf(store), state)).toBe(true)
    await settled()
    expect(backend.openBodies).toBe(0)
  })

  test("of the same size: no damage, and no last chunk; the next try reads what is there now", async () => {
    const { backend, open, store } = await saved()
    const state = pattern(size, 2)
    beforeManifest(backend, () => replaced(open, backend, state))
    let received = 0
    const read = async () => {
      for await (const chunk of (await store.readState(1)) ?? []) received += chunk.length
    }
    await expect(read()).rejects.toMatchObject({ code: "CKPT_IO", retryable: true })
    expect(received).toBeLessThan(size)
    expect(sameBytes(await bytesOf(store), state)).toBe(true)
  })

  test("of the same size, and broken off after the other one was written: no damage", async () => {
    const { backend, open, store } = await saved()
    const state = pattern(size, 2)
    beforeManifest(backend, () => replaced(open, backend, state))
    backend.beforeChunk = ({ request, position }) => {
      if (request === 0 && position === 2_000) throw new BackendError("transient", "the connection was reset")
    }
    await expect(bytesOf(store)).rejects.toMatchObject({ code: "CKPT_IO", retryable: true })
  })

  test("of the same size, and the state that is there now is damaged: that is damage", async () => {
    const { backend, open, store } = await saved()
    beforeManifest(backend, async () => {
      await replaced(open, backend, pattern(size, 2))
      await backend.put(stateKey, [pattern(size, 3)])
    })
    await expect(bytesOf(store)).rejects.toMatchObject({ code: "CKPT_CORRUPT" })
  })

  test("for a manifest without a checksum of its state: it is opened again, since nothing would tell", async () => {
    const { backend, open, store } = await saved()
    const state = pattern(size, 2)
    beforeManifest(backend, async () => {
      await replaced(open, backend, state)
      const [stored] = await manifestText(backend)
      const { manifest_checksum: _, ...rest } = JSON.parse(stored ?? "")
      await backend.put(manifestKey, [Buffer.from(JSON.stringify({ ...rest, state_checksum: null }))])
    })
    expect(sameBytes(await bytesOf(store), state)).toBe(true)
  })

  test("a state that a save wrote meanwhile is found behind its manifest", async () => {
    const { backend, open, store } = await saved()
    await backend.delete([manifestKey, stateKey])
    const state = pattern(size, 2)
    beforeManifest(backend, () => replaced(open, backend, state))
    expect(sameBytes(await bytesOf(store), state)).toBe(true)
    expect(await store.readState(7)).toBeUndefined()
  })
})

async function manifestText(backend: WatchedBackend): Promise<string[]> {
  const content = await backend.get(manifestKey)
  const chunks: Uint8Array[] = []
  for await (const chunk of content?.body ?? []) chunks.push(chunk)
  return [Buffer.concat(chunks).toString()]
}
