import { createReadStream } from "node:fs"
import { Readable } from "node:stream"
import { expect, test } from "vitest"
import { BackendError, type CheckpointStore, type GivenSource, type StateSource } from "../../src/index.js"
import { bytes, chunks, manifest, opened, rejectionOf } from "./support.js"

async function* failing(): AsyncGenerator<Uint8Array> {
  yield bytes("some")
  throw new Error("the source broke")
}

const text = (state: Uint8Array | undefined) => Buffer.from(state ?? []).toString()
const invalid = (...words: string[]) =>
  expect.objectContaining({ code: "CKPT_INVALID", message: expect.stringMatching(words.join(".*")) })

const streams: readonly [string, () => StateSource][] = [
  ["a generator", () => chunks("a", "b")],
  ["a Readable", () => Readable.from([bytes("a"), bytes("b")])],
  ["a ReadableStream", () => new Blob(["ab"]).stream()],
  [
    "an iterable that gives one iterator",
    () => {
      const one = chunks("a", "b")
      return { [Symbol.asyncIterator]: () => one }
    },
  ],
]

test.each(streams)(
  "%s that a save has read is refused by the next save, and retention keeps the good one",
  async (_, make) => {
    const { backend, open } = await opened()
    const store = await open({ retain: { last: 1 }, retry: { attempts: 1 } })
    const state = make()
    backend.failure = new BackendError("transient", "down")
    expect(await rejectionOf(() => store.save(manifest(3), { state }))).toMatchObject({ code: "CKPT_IO" })
    backend.failure = undefined
    expect(await rejectionOf(() => store.save(manifest(3), { state: make() }))).toBeUndefined()
    const read = make()
    await store.save(manifest(4), { state: read })
    await expect(store.save(manifest(5), { state: read })).rejects.toEqual(
      invalid("was read by an earlier save", "give a new one"),
    )
    await expect(store.save(manifest(5), { operators: { a: read } })).rejects.toEqual(
      invalid("was read by an earlier save"),
    )
    await expect(store.writeState(5, read)).rejects.toEqual(invalid("was read by an earlier save"))
    const { checkpoint } = await store.recover()
    expect(checkpoint?.id).toBe(4)
    expect(text(await (await checkpoint?.state())?.bytes())).toBe("ab")
  },
)

test("a generator of a save that failed or was aborted is refused when the save is repeated", async () => {
  const { store } = await opened()
  const broken = failing()
  await expect(store.save(manifest(3), { state: broken })).rejects.toThrow("the source broke")
  await expect(store.save(manifest(3), { state: broken })).rejects.toEqual(invalid("earlier save"))

  const abort = new AbortController()
  const hanging = (async function* () {
    yield bytes("some")
    abort.abort(new Error("enough"))
    await new Promise(() => {})
  })()
  await expect(store.save(manifest(3), { state: hanging, signal: abort.signal })).rejects.toThrow("enough")
  await expect(store.save(manifest(3), { state: hanging })).rejects.toEqual(invalid("earlier save"))
})

test.each(streams)(
  "%s that the functions of two operators give is refused, and the operator named",
  async (_, make) => {
    const { store } = await opened()
    const shared = make() as GivenSource
    const operators = { table: () => shared, window: () => shared }
    await expect(store.save(manifest(3), { operators })).rejects.toEqual(
      invalid('operators\\["window"\\]', "or for another operator", "give a new one"),
    )
    expect(await store.ids()).toEqual([1, 2])
  },
)

test("a save that was refused before it took the stream leaves it to the next", async () => {
  const { store } = await opened()
  const state = chunks("a")
  await expect(store.save({} as never, { state })).rejects.toEqual(invalid("createManifest"))
  await expect(store.save(manifest(3), { state, depth: 1 } as never)).rejects.toEqual(invalid("no option depth"))
  await store.save(manifest(3), { state })
  expect(text(await (await store.readState(3))?.bytes())).toBe("a")
})

test.each(streams)("%s for two operators is refused", async (_, make) => {
  const { store } = await opened()
  const one = make()
  const saving = store.save(manifest(3), { operators: { a: one, b: one } })
  await expect(saving).rejects.toEqual(invalid("was read by", "give a new one"))
  await expect(store.load(3)).resolves.toBeUndefined()
})

test("a stream of which somebody has read is refused, although nobody holds it", async () => {
  const { store } = await opened()
  const web = new Blob(["abcd"]).stream()
  const reader = web.getReader()
  await reader.read()
  reader.releaseLock()
  const half = Readable.from([bytes("a"), bytes("b")])
  await new Promise((resolve) => half.once("readable", resolve))
  half.read()
  for (const state of [web, half]) {
    const error = await rejectionOf(() => store.save(manifest(3), { state }))
    expect(error).toMatchObject({ code: "CKPT_INVALID", message: expect.stringContaining("was read before this save") })
  }
  expect(await store.ids()).toEqual([1, 2])
})

test("a stream that somebody else reads, or has read, is refused", async () => {
  const { store } = await opened()
  const locked = new Blob(["a"]).stream()
  locked.getReader()
  await expect(store.save(manifest(3), { state: locked })).rejects.toEqual(invalid("somebody else"))
  const ended = Readable.from([bytes("a")])
  for await (const _ of ended);
  await expect(store.save(manifest(3), { state: ended })).rejects.toEqual(invalid("has ended"))
  const destroyed = Readable.from([bytes("a")]).destroy()
  await expect(store.save(manifest(3), { state: destroyed })).rejects.toEqual(invalid("has ended"))
})

test.each<[string, (store: CheckpointStore, state: StateSource) => Promise<unknown>]>([
  ["save", (store, state) => store.save(manifest(3), { state })],
  ["saveNext", (store, state) => store.saveNext({}, { state })],
  ["save of operators", (store, state) => store.save(manifest(3), { operators: { slow: bytes("a"), b: state } })],
  ["writeState", (store, state) => store.writeState(3, state)],
])("a file that is not there rejects the %s, and does not end the process", async (_, save) => {
  const { store } = await opened()
  const missing = () => createReadStream(new URL("none", import.meta.url))
  expect(await rejectionOf(() => save(store, missing()))).toMatchObject({ code: "ENOENT" })
  expect(await rejectionOf(() => save(store, missing))).toMatchObject({ code: "ENOENT" })
  await store.close()
  const late = missing()
  expect(await rejectionOf(() => save(store, late))).toMatchObject({ code: "CKPT_CLOSED" })
  if (!late.closed) await new Promise<void>((resolve) => late.once("close", () => resolve()))
})

test("a stream that is given again and again gets one listener", async () => {
  const { store } = await opened()
  const stream = Readable.from([bytes("a")])
  await store.saveNext({}, { state: stream })
  const listeners = stream.listenerCount("error")
  for (let again = 0; again < 20; again++)
    await expect(store.saveNext({}, { state: stream })).rejects.toEqual(invalid("read"))
  expect(stream.listenerCount("error")).toBe(listeners)
})

test("an iterable that begins anew each time, an array and bytes may be given again", async () => {
  const { store } = await opened()
  const again = { [Symbol.asyncIterator]: () => chunks("a", "b") }
  const forms: StateSource[] = [again, [bytes("a"), bytes("b")], bytes("ab"), new Blob(["ab"])]
  let id = 3
  for (const state of forms) {
    for (const _ of ["first", "second"]) {
      await store.save(manifest(id), { state })
      expect(text(await (await store.readState(id++))?.bytes())).toBe("ab")
    }
    await store.save(manifest(id), { operators: { a: state, b: state } })
    expect(text(await (await store.recover()).checkpoint?.operator("b"))).toBe("ab")
    id++
  }
})

test("a copy of a checkpoint may read the same state twice", async () => {
  const { store } = await opened()
  const state = await store.readState(1)
  await store.save(manifest(3), { state: state as StateSource })
  await store.save(manifest(4), { state: state as StateSource })
  expect(text(await (await store.readState(4))?.bytes())).toBe("one")
})

const ab = new Uint8Array([97, 98])
const inMemory: readonly [string, StateSource][] = [
  ["an ArrayBuffer", ab.buffer],
  ["a Buffer", Buffer.from("ab")],
  ["a DataView", new DataView(ab.buffer)],
  ["a Uint16Array", new Uint16Array(ab.buffer)],
  ["a view of a part", new Uint8Array([0, 97, 98, 0]).subarray(1, 3)],
  ["an Int8Array in an array", [new Int8Array(ab.buffer)]],
  ["a Blob", new Blob(["a", "b"])],
  ["a File", new File(["ab"], "state.bin")],
  ["a stream of ArrayBuffers", Readable.from([ab.buffer], { objectMode: true })],
  ["a function of bytes", () => ab],
  ["a function of a promise of bytes", async () => ab],
  ["a function of a generator", () => chunks("a", "b")],
  ["a function of a Blob", () => new Blob(["ab"])],
]

test.each(inMemory)("%s is bytes", async (_, state) => {
  const { store } = await opened()
  await store.save(manifest(3), { state })
  expect(text(await (await store.readState(3))?.bytes())).toBe("ab")
})

test.each(inMemory)("%s is an operator's bytes, inline or not", async (_, state) => {
  const { store } = await opened()
  if (!(state instanceof Readable)) await store.save(manifest(3), { operators: { a: state } })
  else await store.save(manifest(3))
  if (state instanceof Readable) return
  await store.save(manifest(4), { operators: new Map([["a", state]]), inlineThreshold: 0 })
  expect(text(await (await store.recover()).checkpoint?.operator("a"))).toBe("ab")
})

test("a Blob of 20 MiB is read in pieces, and comes back equal", async () => {
  const { store } = await opened()
  const mebibyte = new Uint8Array(1024 * 1024).map((_, index) => index % 251)
  const blob = new Blob(Array.from({ length: 20 }, () => mebibyte))
  const receipt = await store.save(manifest(3), { state: blob })
  expect(receipt.stateSize).toBe(blob.size)
  const read = await (await store.readState(3))?.bytes()
  expect(Buffer.from(await blob.arrayBuffer()).equals(read as Uint8Array)).toBe(true)
})

test("a function is called once for each save, and again if the storage has to be asked again", async () => {
  const { store, backend } = await opened()
  let calls = 0
  const state = () => {
    calls++
    return chunks("a", "b")
  }
  await store.save(manifest(3), { state })
  expect(calls).toBe(1)
  await store.save(manifest(4), { state })
  expect(calls).toBe(2)

  const { put } = backend
  let failures = 0
  backend.put = async (key, body, options) => {
    if (key.includes("state") && failures++ === 0) {
      for await (const _ of body) break
      throw new BackendError("transient", "busy")
    }
    return put.call(backend, key, body, options)
  }
  await store.save(manifest(5), { state })
  expect(calls).toBe(4)
  expect(text(await (await store.readState(5))?.bytes())).toBe("ab")
})

test("an error of a function reaches the caller unchanged", async () => {
  const { store } = await opened()
  const mine = new Error("mine")
  const state = () => {
    throw mine
  }
  await expect(store.save(manifest(3), { state })).rejects.toBe(mine)
  await expect(store.save(manifest(3), { operators: { a: state } })).rejects.toBe(mine)
})
