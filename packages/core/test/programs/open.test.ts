import { expect, test } from "vitest"
import { bytes, manifest, opened, rejectionOf } from "../mistakes/support.js"

const read = async (reader: { bytes(): Promise<Uint8Array> } | undefined) =>
  new TextDecoder().decode(await reader?.bytes())

test("a checkpoint is opened by its id, with three requests and no listing", async () => {
  const { store, backend } = await opened()
  await store.ids()
  backend.requests.length = 0
  const checkpoint = await store.open(1)
  expect([...backend.requests].sort()).toEqual([
    "get manifests/history.json",
    "get manifests/manifest-000001.json",
    "head checkpoints/state-000001.bin",
  ])
  expect(checkpoint.id).toBe(1)
  expect(await read(await checkpoint.state())).toBe("one")
  expect(new TextDecoder().decode(await (await store.open(2)).operator("window"))).toBe("w")
})

test("a pinned checkpoint is opened by its name, however many checkpoints there are", async () => {
  const { store, backend } = await opened()
  for (let id = 3; id <= 30; id++) await store.save(manifest(id), { state: bytes(`state ${id}`) })
  await store.pin(7, "before-upgrade")
  backend.requests.length = 0
  const checkpoint = await store.open({ pin: "before-upgrade" })
  expect(checkpoint.id).toBe(7)
  expect([...backend.requests].sort()).toEqual([
    "get manifests/history.json",
    "get manifests/history.json",
    "get manifests/manifest-000007.json",
    "head checkpoints/state-000007.bin",
  ])
  expect(await read(await checkpoint.state())).toBe("state 7")
})

test("an id or a name that is not there is CKPT_NOT_FOUND, and what there is is told", async () => {
  const { store, open } = await opened()
  expect(await rejectionOf(() => store.open(3))).toMatchObject({
    code: "CKPT_NOT_FOUND",
    checkpointId: 3,
    message: "open: checkpoint 3 does not exist. The ids are 1 and 2.",
  })
  expect(await rejectionOf(() => store.open({ pin: "x" }))).toMatchObject({
    code: "CKPT_NOT_FOUND",
    message: 'open: no pin is called "x". No checkpoint is pinned.',
  })
  await store.pin(1, "nightly")
  await store.pin(2, "audit")
  expect(await rejectionOf(() => store.open({ pin: "nigthly" }))).toMatchObject({
    code: "CKPT_NOT_FOUND",
    message: 'open: no pin is called "nigthly". Did you mean nightly?',
  })
  expect(await rejectionOf(() => store.open({ pin: "zzz" }))).toMatchObject({
    message: 'open: no pin is called "zzz". The known ones are nightly and audit.',
  })
  const other = await open({ prefix: "empty" })
  expect(await rejectionOf(() => other.open(3))).toMatchObject({
    message: "open: checkpoint 3 does not exist. None is there.",
  })
})

test("what does not verify is CKPT_CORRUPT, at once or when it is read", async () => {
  const { store, backend } = await opened()
  const key = "checkpoints/state-000001.bin"
  const { meta } = backend.stored.get(key) as { meta: { size: number } }
  backend.stored.set(key, { bytes: bytes("eno"), meta: meta as never })
  const checkpoint = await store.open(1)
  expect(await rejectionOf(async () => (await checkpoint.state())?.bytes())).toMatchObject({ code: "CKPT_CORRUPT" })
  expect(await rejectionOf(() => store.open(1, { depth: "deep" }))).toMatchObject({ code: "CKPT_CORRUPT" })
  backend.stored.delete(key)
  expect(await rejectionOf(() => store.open(1))).toMatchObject({ code: "CKPT_CORRUPT", checkpointId: 1 })
})

test("a checkpoint that was lost under its pin is damaged, not absent", async () => {
  const { store, backend } = await opened()
  await store.pin(1, "kept")
  backend.stored.delete("manifests/manifest-000001.json")
  expect(await rejectionOf(() => store.open({ pin: "kept" }))).toMatchObject({ code: "CKPT_CORRUPT", checkpointId: 1 })
})

test("what a leader opens is marked, so that a late update fails", async () => {
  const { store } = await opened()
  const leader = await store.claim()
  expect((await leader.open(1)).manifest.seen).toBe(leader.epoch)
  expect((await leader.load(1))?.seen).toBe(leader.epoch)
})

test.each([
  [undefined, "undefined names no checkpoint"],
  ["nightly", 'the string "nightly" names no checkpoint; give an id, or { pin: "name" }'],
  [{ pni: "nightly" }, "pni. Did you mean pin?"],
  [{ pin: "" }, "pin name"],
  [{}, "pin name"],
  [1.5, "open(id): the id is the number 1.5"],
])("open(%j) is refused", async (which, words) => {
  const { store } = await opened()
  const error = await rejectionOf(() => store.open(which as never))
  expect(error).toMatchObject({ code: "CKPT_INVALID" })
  expect((error as Error).message).toContain(words)
})
