import { expect, test } from "vitest"
import { json, type ObjectMeta } from "../../src/index.js"
import { bytes, manifest, opened, rejectionOf } from "../mistakes/support.js"

test("saveNext takes the next id and epoch, and the receipt has the id after it", async () => {
  const { store } = await opened()
  const receipt = await store.saveNext({ sourceNames: ["orders"] }, { state: bytes("three") })
  expect(receipt).toMatchObject({ id: 3, nextId: 4, outcome: "created", isLatest: true })
  expect(await store.load(3)).toMatchObject({ epoch: 3, sourceNames: ["orders"], stateSize: 5 })
  expect(await store.saveNext({ epoch: 40 })).toMatchObject({ id: 4, nextId: 5 })
  expect(await store.saveNext()).toMatchObject({ id: 5, nextId: 6 })
  expect(await store.load(5)).toMatchObject({ epoch: 41, stateChecksum: null })
})

test("the first checkpoint of a store has id and epoch 1", async () => {
  const { open } = await opened()
  const store = await open({ prefix: "fresh" })
  expect(await store.saveNext()).toMatchObject({ id: 1, nextId: 2 })
  expect((await store.load(1))?.epoch).toBe(1)
})

test("calls at the same time take one id each, and ask the storage once", async () => {
  const { store, backend } = await opened()
  backend.requests.length = 0
  const receipts = await Promise.all(Array.from({ length: 20 }, () => store.saveNext()))
  expect(receipts.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, index) => index + 3))
  const listings = backend.requests.filter((request) => request.startsWith("list "))
  expect(listings.sort()).toEqual(["list checkpoints/", "list manifests/"])
  const epochs = await Promise.all(receipts.map(async ({ id }) => (await store.load(id))?.epoch))
  expect(epochs).toEqual(Array.from({ length: 20 }, (_, index) => index + 3))
})

test("the storage is asked once", async () => {
  const { store, backend } = await opened()
  await store.saveNext()
  backend.requests.length = 0
  await store.saveNext()
  const saved = backend.requests.splice(0)
  await store.save(manifest(5))
  expect(saved.map((request) => request.replaceAll("000004", "000005"))).toEqual(backend.requests)
  expect(saved.some((request) => request.startsWith("list"))).toBe(false)
})

test("it does not wait for the retention of the save before", async () => {
  const { backend, open } = await opened()
  const store = await open({ retain: { last: 1 } })
  await store.saveNext()
  // Retention never ends from here on.
  backend.delete = () => new Promise(() => {})
  expect((await store.saveNext()).id).toBe(4)
  expect((await store.saveNext()).id).toBe(5)
})

test("an id that save was given, and one of another store, are not given again", async () => {
  const { store, open } = await opened()
  await store.saveNext()
  expect(await store.save(manifest(9))).toMatchObject({ id: 9, nextId: 10 })
  expect(await store.saveNext()).toMatchObject({ id: 10 })
  expect(await store.save(manifest(5))).toMatchObject({ id: 5, nextId: 11, isLatest: false })
  const other = await open()
  expect(await other.saveNext()).toMatchObject({ id: 11 })
  expect(await rejectionOf(() => store.saveNext({ sourceNames: ["a"] }))).toMatchObject({
    code: "CKPT_CONFLICT",
    checkpointId: 11,
  })
  expect(await store.saveNext()).toMatchObject({ id: 12 })
})

test("a damaged latest checkpoint keeps its id, and the epoch goes on from the one before", async () => {
  const { backend, open } = await opened()
  const key = "manifests/manifest-000002.json"
  const stored = backend.stored.get(key)
  backend.stored.set(key, { bytes: bytes("{"), meta: { ...(stored?.meta as ObjectMeta), size: 1 } })
  const store = await open()
  expect(await store.saveNext()).toMatchObject({ id: 3 })
  expect((await store.load(3))?.epoch).toBe(2)
})

test("a leader saves its next checkpoint, too", async () => {
  const { store } = await opened()
  const leader = await store.claim()
  expect(await leader.saveNext({}, { state: bytes("led") })).toMatchObject({ id: 3, nextId: 4 })
})

test.each([
  ["the id", { checkpointId: 7 }, "it takes the next id itself"],
  ["the options as fields", { state: bytes("s") }, "state: is not a field of the manifest"],
  ["bytes", bytes("s"), "the fields are a Uint8Array"],
  ["a Map", new Map(), "the fields are a Map"],
  ["epoch 0", { epoch: 0 }, "epoch"],
])("saveNext refuses %s, and takes no id", async (_, fields, words) => {
  const { store, backend } = await opened()
  const before = backend.requests.length
  const error = await rejectionOf(() => store.saveNext(fields as never))
  expect(error).toMatchObject({ code: "CKPT_INVALID" })
  expect((error as Error).message).toContain(words)
  expect(backend.requests.length).toBe(before)
  expect(await store.saveNext()).toMatchObject({ id: 3 })
})

test("what the caller changes after the call is not saved", async () => {
  const { store } = await opened()
  const offsets: Record<string, number> = { "0": 100 }
  const operators: Record<string, Uint8Array> = { counts: json(100) }
  const saved = store.saveNext({ sourceOffsets: { orders: { epoch: 1, offsets } } }, { operators })
  offsets["0"] = 999
  operators["counts"] = json(999)
  const checkpoint = await store.open((await saved).id)
  expect(checkpoint.manifest.sourceOffsets["orders"]?.offsets["0"]).toBe("100")
  expect(await checkpoint.json("counts")).toBe(100)
})

test("fields may be proxies, as those of a reactive store, and are copied at the call", async () => {
  const { store } = await opened()
  const proxy = <T extends object>(value: T) => new Proxy(value, {})
  const offsets = proxy({ "0": 7 })
  const saving = store.saveNext(
    proxy({ labels: proxy({ by: "me" }), sourceOffsets: proxy({ orders: proxy({ offsets }) }) }),
  )
  offsets["0"] = 8
  const { id } = await saving
  const saved = await store.load(id)
  expect({ ...saved?.labels }).toEqual({ by: "me" })
  expect({ ...saved?.sourceOffsets["orders"]?.offsets }).toEqual({ "0": "7" })
})
