import { expect, test } from "vitest"
import { copyStore, manifestToJson, openCheckpointStore } from "../../src/index.js"
import { bytes, manifest, Objects } from "../mistakes/support.js"

/** A store with so many checkpoints without a state. */
async function many(count: number) {
  const backend = new Objects()
  for (let id = 1; id <= count; id++)
    await backend.put(`manifests/manifest-${String(id).padStart(6, "0")}.json`, [
      bytes(manifestToJson({ ...manifest(id), stateSize: 0 })),
    ])
  const store = await openCheckpointStore({ backend })
  backend.requests.length = 0
  return { backend, store }
}

const countOf = ({ requests }: Objects) => {
  const counts: Record<string, number> = {}
  for (const request of requests.splice(0)) {
    const kind = request.split(" ", 1)[0] as string
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

test("toArray of 1,000 checkpoints reads each manifest once", async () => {
  const { store, backend } = await many(1_000)
  expect(await store.list().toArray()).toHaveLength(1_000)
  // Two listings; each manifest, the pointer and the history.
  expect(countOf(backend)).toEqual({ list: 2, get: 1_000 + 2 })
})

test("saveNext of a store with 1,000 checkpoints lists once, and reads the latest manifest alone", async () => {
  const { store, backend } = await many(1_000)
  await store.saveNext()
  const read = backend.requests.filter((request) => request.startsWith("get manifests/manifest-"))
  expect(read).toEqual(["get manifests/manifest-001000.json"])
  backend.requests.length = 0
  await store.saveNext()
  expect(countOf(backend)).toEqual({ put: 2, get: 1 })
})

test("copyStore of 300 checkpoints asks both stores as often for each of them, and lists once", async () => {
  const { store, backend } = await many(300)
  const target = new Objects()
  const to = await openCheckpointStore({ backend: target })
  // The check before the first write, and whatever is asked once.
  await copyStore(store, to, { ids: [1] })
  countOf(target)
  countOf(backend)
  expect((await copyStore(store, to)).copied).toHaveLength(299)
  // Of the original: manifest and history. The ids take pointer and history, the pins the history.
  expect(countOf(backend)).toEqual({ list: 1, get: 2 * 300 + 3 })
  // Of the copy: what is there of manifest and state, and the history; then the manifest and the pointer are written. For a copy that
  // is there, whose manifest names no state, the state is looked for once more.
  expect(countOf(target)).toEqual({ get: 2 * 300, head: 300 + 1, put: 2 * 299 })
})
