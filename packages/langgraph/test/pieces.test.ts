// What becomes of the pieces of large values that a saver knows, when others work on the thread, or the storage loses one.
import { isDeepStrictEqual } from "node:util"
import { BackendError } from "@ckpt/core"
import { MemoryBackend } from "@ckpt/memory"
import { expect, test } from "vitest"
import { CkptSaver } from "../src/index.js"
import { KnownPieces } from "../src/known.js"
import {
  chat,
  checkpointOf,
  clockWith,
  idOfConfig,
  idsOf,
  keysOf,
  noise,
  putOn,
  text,
  threadOf,
  watched,
} from "./threads.js"

const thread = threadOf("t")
const history = text(1, 300)
const piecesOf = async (backend: MemoryBackend) => (await keysOf(backend)).filter((key) => key.startsWith("v/"))

/** The checkpoint is whole, as another process finds it. */
async function isWhole(backend: MemoryBackend, config: typeof thread, values: object): Promise<void> {
  const found = await new CkptSaver({ backend }).getTuple(config)
  expect(found?.config).toEqual(config)
  expect(isDeepStrictEqual(found?.checkpoint.channel_values, values)).toBe(true)
}

test.each([
  ["damaged", (backend: MemoryBackend, key: string) => backend.put(key, [Buffer.from("damaged")])],
  ["lost", (backend: MemoryBackend, key: string) => backend.delete([key])],
])("a known piece that is %s is stored anew once the saver has read it", async (_, harm) => {
  const backend = new MemoryBackend()
  const saver = new CkptSaver({ backend })
  const first = await putOn(saver, thread, checkpointOf({ step: 1 }))
  const second = await putOn(saver, first, checkpointOf({ history }))
  const pieces = await piecesOf(backend)
  expect(pieces.length).toBeGreaterThan(3)
  for (const key of pieces.slice(1, 3)) await harm(backend, key)
  // The thread goes on from the checkpoint before, and comes to the same history.
  expect((await saver.getTuple(thread))?.config).toEqual(first)
  const third = await putOn(saver, first, checkpointOf({ history }))
  await isWhole(backend, third, { history })
  await isWhole(backend, second, { history })
})

test("a checkpoint whose parent was pruned meanwhile has all pieces", async () => {
  const backend = new MemoryBackend()
  const saver = new CkptSaver({ backend })
  const first = await putOn(saver, thread, checkpointOf({ history }))
  const other = new CkptSaver({ backend })
  await putOn(other, first, checkpointOf({ step: 2 }))
  expect((await other.pruneThread("t", { last: 1 })).removed).toEqual([idOfConfig(first)])
  await isWhole(backend, await putOn(saver, first, checkpointOf({ history, step: 2 })), { history, step: 2 })
})

test("a checkpoint of a thread that another saver has deleted, and has begun anew under the same ids, has all pieces", async () => {
  const backend = new MemoryBackend()
  const inPieces = new CkptSaver({ backend, inlineBytes: 0 })
  const checkpoint = checkpointOf({ history })
  const first = await putOn(inPieces, thread, checkpoint)
  // Its checkpoint has the last piece in its own object.
  const other = new CkptSaver({ backend })
  await other.deleteThread("t")
  await putOn(other, thread, checkpoint)
  await isWhole(backend, await putOn(inPieces, first, checkpointOf({ history, step: 2 })), { history, step: 2 })
})

test("a thread that is deleted before any request of a put, and again when the put has ended: the next checkpoint is whole", async () => {
  for (let at = 0; ; at++) {
    const backend = new MemoryBackend()
    const other = new CkptSaver({ backend })
    let left = Number.POSITIVE_INFINITY
    let deleted: Promise<void> | undefined
    const beside = watched(backend, (call) => {
      if (call === "put" || call === "head" || call === "get") left--
      if (left === -1) deleted = other.deleteThread("t")
      return deleted
    })
    const saver = new CkptSaver({ backend: beside })
    const first = await putOn(saver, thread, checkpointOf({ history }))
    left = at
    const second = await putOn(saver, first, checkpointOf({ history, more: text(2, 30) }))
    left = Number.POSITIVE_INFINITY
    // What the run leaves beside a deletion goes with the next one, and the run goes on then.
    if (deleted !== undefined) await other.deleteThread("t")
    const third = await putOn(saver, second, checkpointOf({ history, more: text(2, 30), step: 3 }))
    await isWhole(backend, third, { history, more: text(2, 30), step: 3 })
    if (deleted === undefined) {
      expect(at).toBeGreaterThan(2)
      return
    }
  }
})

test("two savers in turn store each piece of a history once", async () => {
  const [backend, alone] = [new MemoryBackend(), new MemoryBackend()]
  const savers = [new CkptSaver({ backend }), new CkptSaver({ backend })]
  const single = new CkptSaver({ backend: alone })
  let [config, same] = [thread, thread]
  let writes = 0
  for (const saver of savers) await putOn(saver, threadOf("first"), checkpointOf({})) // The storage is asked before the first write.
  const put = backend.put.bind(backend)
  backend.put = (...given) => {
    writes++
    return put(...given)
  }
  for (const [step, values] of [...chat(40)].entries()) {
    const saver = savers[Math.floor(step / 3) % 2] as CkptSaver
    // Each turn begins with a reading of the thread.
    if (step % 3 === 0 && step > 0) config = (await saver.getTuple(thread))?.config ?? thread
    config = await putOn(saver, config, checkpointOf(values))
    same = await putOn(single, same, checkpointOf(values))
  }
  expect(await piecesOf(backend)).toEqual(await piecesOf(alone))
  expect(writes).toBe(120 + (await piecesOf(backend)).length)
  expect(await idsOf(new CkptSaver({ backend }), thread)).toHaveLength(120)
})

test("a checkpoint names pieces of one day: on the next all are stored again, once", async () => {
  const backend = new MemoryBackend()
  let day = 20_000
  const saver = new CkptSaver({ backend, clock: clockWith(() => day * 24 * 60 * 60 * 1000) })
  let config = thread
  for (let step = 0; step < 6; step++) {
    config = await putOn(saver, config, checkpointOf({ history, step }))
    if (step % 2 === 1) day++
  }
  const pieces = await piecesOf(backend)
  const hashesOf = (name: string) => pieces.filter((key) => key.includes(`/${name}/`)).map((key) => key.split("/")[3])
  const [first, ...next] = ["020000", "020001", "020002"].map(hashesOf)
  expect(first?.length).toBeGreaterThan(3)
  expect(next).toEqual([first, first])
  expect(pieces).toHaveLength(3 * (first?.length ?? 0))
})

test("a value of bytes counts as it was when put was called, in pieces too", async () => {
  const backend = new MemoryBackend()
  const saver = new CkptSaver({ backend })
  const bytes = new Uint8Array(noise(1, 300_000))
  const small = new Uint8Array([1, 2, 3])
  const stored = putOn(saver, thread, checkpointOf({ bytes, small }))
  bytes.fill(0)
  small.fill(0)
  await isWhole(backend, await stored, {
    bytes: new Uint8Array(noise(1, 300_000)),
    small: new Uint8Array([1, 2, 3]),
  })
})

test("a checkpoint's id and writes of bytes count as they were when they were given", async () => {
  const backend = new MemoryBackend()
  const saver = new CkptSaver({ backend })
  const checkpoint = checkpointOf({ step: 1 })
  const { id } = checkpoint
  const stored = putOn(saver, thread, checkpoint)
  checkpoint.id = checkpointOf({}).id
  const config = await stored
  expect(idOfConfig(config)).toBe(id)
  const bytes = new Uint8Array([1, 2, 3])
  const written = saver.putWrites(config, [["out", bytes]], "task")
  bytes.fill(0)
  await written
  const tuple = await saver.getTuple(config)
  expect([tuple?.checkpoint.id, tuple?.pendingWrites]).toEqual([id, [["task", "out", new Uint8Array([1, 2, 3])]]])
})

test("a value of 100 MiB has a checkpoint of less than 100 KiB, and pieces that are the same are stored once", async () => {
  const backend = new MemoryBackend()
  const saver = new CkptSaver({ backend })
  const bytes = new Uint8Array(noise(1, 100 * 1024 ** 2))
  const zeros = new Uint8Array(4 * 1024 ** 2)
  const first = await putOn(saver, thread, checkpointOf({ bytes, zeros }))
  const sizes = new Map<string, number>()
  for await (const { key, size } of backend.list("")) sizes.set(key, size)
  const [head = ""] = [...sizes.keys()].filter((key) => key.endsWith(".c"))
  expect(sizes.get(head)).toBeLessThan(100 * 1024)
  const all = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  expect(all).toBeLessThan(101 * 1024 ** 2)
  const found = await new CkptSaver({ backend }).getTuple(first)
  expect(Buffer.compare(found?.checkpoint.channel_values["bytes"] as Uint8Array, bytes)).toBe(0)
  expect(Buffer.compare(found?.checkpoint.channel_values["zeros"] as Uint8Array, zeros)).toBe(0)
  // 1 KiB more is a request for what is there, and two or three that store.
  let calls = 0
  const counted = watched(backend, (call) => {
    if (call === "put" || call === "head" || call === "get") calls++
  })
  const next = new CkptSaver({ backend: counted })
  await next.getTuple(first)
  await putOn(next, threadOf("other"), checkpointOf({}))
  calls = 0
  await putOn(next, first, checkpointOf({ bytes: Buffer.concat([bytes, noise(2, 1024)]), zeros }))
  expect(calls).toBeLessThanOrEqual(4)
})

test("a saver knows the pieces that were used last, each by the latest checkpoint that names it", () => {
  const known = new KnownPieces()
  const namer = (checkpointId: string) => ({ key: `c/t/_/${checkpointId}.c`, version: "1", checkpointId })
  known.add(["a", "b"], namer("1"))
  known.add(["b"], namer("2"))
  known.add(["a", "b"], namer("1"))
  expect([known.namerOf("a"), known.namerOf("b")]).toEqual([namer("1"), namer("2")])
  known.add(["a"], namer("1"))
  known.add(
    Array.from({ length: 19_999 }, (_, at) => `${at}`),
    namer("3"),
  )
  expect([known.namerOf("a"), known.namerOf("b")]).toEqual([namer("1"), undefined])
})

test("a put that failed behind its pieces takes none of them for known", async () => {
  const backend = new MemoryBackend()
  let isCut = true
  const cut = watched(backend, (call, key) => {
    if (call === "put" && key.startsWith("c/") && isCut) throw new BackendError("permanent", "the process has ended")
  })
  const saver = new CkptSaver({ backend: cut, retry: { attempts: 1 } })
  await expect(putOn(saver, thread, checkpointOf({ history }))).rejects.toMatchObject({ code: "CKPT_IO" })
  isCut = false
  await backend.delete(await piecesOf(backend))
  await isWhole(backend, await putOn(saver, thread, checkpointOf({ history })), { history })
})
