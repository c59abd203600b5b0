import { expect, test } from "vitest"
import { acceptCommitted, type StoreOperations } from "../../src/index.js"
import { bytes, opened, rejectionOf } from "../mistakes/support.js"

const pending = { status: "pending" } as const
const statuses = async (store: StoreOperations, id: number) => {
  const manifest = await store.load(id)
  return Object.fromEntries(
    Object.entries(manifest?.sinkCommitStatuses ?? {}).map(([name, { status }]) => [name, status]),
  )
}

test("commitSink records one sink, leaves the others, and may be repeated", async () => {
  const { store } = await opened()
  await store.saveNext({ sinkCommitStatuses: { windows: pending, audit: pending } }, { state: bytes("s") })
  const manifest = await store.commitSink(3, "windows")
  expect(manifest.sinkCommitStatuses["windows"]).toEqual({ status: "committed" })
  expect(await statuses(store, 3)).toEqual({ windows: "committed", audit: "pending" })
  await store.commitSink(3, "windows")
  await Promise.all([store.commitSink(3, "audit"), store.commitSink(3, "windows")])
  expect(await statuses(store, 3)).toEqual({ windows: "committed", audit: "committed" })
  expect((await store.verify(3)).issues).toEqual([])
})

test("a sink that the manifest names without a status can be committed, too", async () => {
  const { store } = await opened()
  await store.saveNext({ sinkNames: ["windows"] })
  await store.commitSink(3, "windows")
  expect(await statuses(store, 3)).toEqual({ windows: "committed" })
})

test("a sink or a checkpoint that is not there is CKPT_NOT_FOUND, and nothing is written", async () => {
  const { store, backend } = await opened()
  await store.saveNext({ sinkCommitStatuses: { windows: pending } })
  const before = backend.stored.get("manifests/manifest-000003.json")
  expect(await rejectionOf(() => store.commitSink(3, "wnidows"))).toMatchObject({
    code: "CKPT_NOT_FOUND",
    message: 'commitSink: checkpoint 3 has no sink "wnidows". Did you mean windows?',
  })
  expect(await rejectionOf(() => store.commitSink(1, "windows"))).toMatchObject({
    code: "CKPT_NOT_FOUND",
    message: 'commitSink: checkpoint 1 has no sink "windows". It names none.',
  })
  expect(await rejectionOf(() => store.commitSink(9, "windows"))).toMatchObject({ code: "CKPT_NOT_FOUND" })
  expect(await rejectionOf(() => store.commitSink(3, 7 as never))).toMatchObject({ code: "CKPT_INVALID" })
  expect(backend.stored.get("manifests/manifest-000003.json")).toBe(before)
})

test("acceptCommitted goes back to the last checkpoint whose sinks all have committed", async () => {
  const { store } = await opened()
  await store.saveNext({ sinkCommitStatuses: { windows: pending } })
  await store.commitSink(3, "windows")
  await store.saveNext({ sinkCommitStatuses: { windows: { status: "committed" }, audit: pending } })
  await store.saveNext({ sinkCommitStatuses: { windows: { status: "failed", message: "no such table" } } })
  const found = await store.recover({ accept: acceptCommitted })
  expect(found.checkpoint?.id).toBe(3)
  expect(found.nextId).toBe(6)
  expect(found.skipped.map(({ id, issues }) => [id, issues[0]?.code])).toEqual([
    [5, "not-accepted"],
    [4, "not-accepted"],
  ])
  // A checkpoint without sinks has nothing that is owed.
  expect((await (await opened()).store.recover({ accept: acceptCommitted })).checkpoint?.id).toBe(2)
})
