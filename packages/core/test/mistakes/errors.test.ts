import { expect, test } from "vitest"
import { BackendError, type BackendErrorKind, createManifest } from "../../src/index.js"
import { bytes, chunks, manifest, opened } from "./support.js"

test("a checkpoint lists its operators, and the sizes of arrays are those of their own memory", async () => {
  const { store } = await opened()
  const { checkpoint } = await store.recover()
  expect(checkpoint?.operators).toEqual(["counts", "window"])
  const window: Uint8Array<ArrayBuffer> | undefined = await checkpoint?.operator("window")
  expect(window?.buffer).toBeInstanceOf(ArrayBuffer)
  const { value } = await store.restore(async (one) => one.operators)
  expect(value).toEqual(["counts", "window"])
})

test("exhausted says whether nothing verifies, or nothing was accepted", async () => {
  const { store, backend } = await opened()
  expect(await store.recover({ accept: () => false })).toMatchObject({ outcome: "exhausted", reason: "none-accepted" })
  const found = await store.restore(async () => 1, { accept: async () => false })
  expect(found).toMatchObject({ outcome: "exhausted", reason: "none-accepted" })
  for (const key of [...backend.stored.keys()]) {
    if (key.includes("manifest-")) await backend.put(key, [bytes("damaged")])
  }
  expect(await store.recover()).toMatchObject({ outcome: "exhausted", reason: "none-verifies" })
})

test.each([["bytes", bytes("ONE")] as const, ["a stream", undefined] as const])(
  "a loaded manifest saved with other %s of the same size is refused, and the right ones are taken",
  async (_, given) => {
    const from = await opened()
    const to = await opened()
    await to.store.save(manifest(3))
    const loaded = await from.store.load(1)
    const copy = { ...(loaded as NonNullable<typeof loaded>), checkpointId: 4 }
    const saving = to.store.save(copy, { state: given ?? chunks("O", "NE") })
    await expect(saving).rejects.toMatchObject({
      code: "CKPT_INVALID",
      message: expect.stringMatching(/stateChecksum.*set stateChecksum to null/),
    })
    expect(await to.store.load(4)).toBeUndefined()
    const next = { ...copy, checkpointId: 5 }
    await to.store.save(next, { state: bytes("one") })
    await to.store.save({ ...next, checkpointId: 6, stateChecksum: null }, { state: bytes("ONE") })
    expect((await to.store.load(5))?.stateChecksum).toBe(loaded?.stateChecksum)
  },
)

test("the same id saved again with a manifest that was made anew says that timestampMs differs", async () => {
  const { store } = await opened()
  const again = createManifest({ checkpointId: 1, epoch: 1, timestampMs: 2_000 })
  const saving = store.save(again, { state: bytes("one") })
  await expect(saving).rejects.toMatchObject({
    code: "CKPT_CONFLICT",
    message: expect.stringMatching(/timestampMs.*save the same manifest object/),
  })
  const other = store.save({ ...again, watermark: 5n }, { state: bytes("one") })
  await expect(other).rejects.toMatchObject({ message: expect.not.stringContaining("timestampMs") })
})

test("a manifest that is there and could not be written by us is a conflict, too", async () => {
  const { store, backend } = await opened()
  const key = [...backend.stored.keys()].find((one) => one.includes("manifest-000001")) as string
  const operator = { state_b64: "no base64!", external: false, external_offset: 0, external_length: 0 }
  const fields = { version: 1, checkpoint_id: 9, epoch: 1, timestamp_ms: 1, vnode_count: 256 }
  const text = JSON.stringify({ ...fields, operator_states: { window: operator } })
  await backend.put(key.replace("000001", "000009"), [bytes(text)])
  await expect(store.save(manifest(9))).rejects.toMatchObject({ code: "CKPT_CONFLICT" })
})

const codes: readonly [BackendErrorKind, string, boolean][] = [
  ["denied", "CKPT_DENIED", false],
  ["full", "CKPT_FULL", false],
  ["permanent", "CKPT_IO", false],
  ["transient", "CKPT_IO", true],
]

test.each(codes)(
  "a failure of kind %s is %s, and the check before the first write says that it is the check",
  async (kind, code, retryable) => {
    const { open, backend } = await opened()
    const store = await open({ retry: { attempts: 1 } })
    backend.failure = new BackendError(kind, "the storage said so")
    const first = await store.save(manifest(3)).catch((error: unknown) => error)
    expect(first).toMatchObject({
      code,
      retryable,
      message: expect.stringContaining("the check of the storage before the first write: the storage said so"),
    })
    backend.failure = undefined
    await store.save(manifest(3))
    backend.failure = new BackendError(kind, "the storage said so")
    const later = await store.save(manifest(4)).catch((error: unknown) => error)
    expect(later).toMatchObject({ code, retryable, message: expect.not.stringContaining("the check") })
  },
)
