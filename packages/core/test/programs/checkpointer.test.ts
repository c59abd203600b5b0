import { expect, test } from "vitest"
import { untilAborted } from "../../src/adapter/index.js"
import {
  acceptCommitted,
  BackendError,
  CheckpointError,
  type CheckpointerEvent,
  type CheckpointerOptions,
  createCheckpointer,
  json,
  type SavedSnapshot,
} from "../../src/index.js"
import { bytes, chunks, opened, rejectionOf } from "../mistakes/support.js"

/** A job that counts its records, on a store with checkpoints 1 and 2, and a clock that moves when it is told to, or slept on. */
async function job(options: Partial<CheckpointerOptions>) {
  const { store, backend } = await opened()
  const events: (CheckpointerEvent | ({ readonly type: "saved" } & SavedSnapshot))[] = []
  const slept: number[] = []
  let time = 0
  let seen = 0
  const clock = {
    monotonic: () => time,
    async sleep(ms: number, signal?: AbortSignal) {
      signal?.throwIfAborted()
      slept.push(ms)
      time += ms
    },
  }
  const checkpointer = createCheckpointer(store, {
    snapshot: () => ({ state: json(seen) }),
    onEvent: (event) => events.push(event),
    onSaved: (saved) => {
      events.push({ type: "saved", ...saved })
    },
    clock,
    ...options,
  })
  const record = async () => {
    seen++
    await checkpointer.tick()
  }
  const saved = async () => Promise.all((await store.ids()).slice(2).map(async (id) => (await store.open(id)).json()))
  const pass = (ms: number) => {
    time += ms
  }
  return { store, backend, events, slept, checkpointer, record, saved, pass }
}

/** A promise, and the function that resolves it. */
function held() {
  let release = () => {}
  const promise = new Promise<void>((resolve) => {
    release = resolve
  })
  return { promise, release }
}

test("a checkpoint every so many records, and the rest on close", async () => {
  const { checkpointer, record, saved, events, store } = await job({ everyRecords: 3 })
  for (let n = 0; n < 8; n++) await record()
  await checkpointer.close()
  expect(await saved()).toEqual([3, 6, 8])
  expect(events.map((event) => [event.type, "records" in event && event.records])).toEqual([
    ["saved", 3],
    ["saved", 3],
    ["saved", 2],
  ])
  expect((await store.load(5))?.epoch).toBe(5)
  expect(await rejectionOf(() => checkpointer.tick())).toMatchObject({ code: "CKPT_CLOSED" })
  await checkpointer.close()
  expect(await store.ids()).toEqual([1, 2, 3, 4, 5])
})

test("a checkpoint every so many milliseconds, and none without a record", async () => {
  const { checkpointer, record, saved, pass } = await job({ everyMs: 100 })
  await record()
  pass(99)
  await record()
  pass(1)
  await record()
  pass(500)
  await checkpointer.tick(0)
  await checkpointer.flush()
  expect(await saved()).toEqual([3])
  await record()
  await checkpointer.close()
  expect(await saved()).toEqual([3, 4])
})

test("never two at once: the tick that is due waits for the save before, others do not", async () => {
  const { store, record, checkpointer, saved } = await job({ everyRecords: 2 })
  const gate = held()
  const save = store.save.bind(store)
  let underWay = 0
  store.save = async (...given) => {
    expect(++underWay).toBe(1)
    await gate.promise
    underWay--
    return save(...given)
  }
  await record()
  await record()
  await record()
  let isDone = false
  const due = record().then(() => {
    isDone = true
  })
  await store.ids()
  expect(isDone).toBe(false)
  gate.release()
  await due
  await checkpointer.close()
  expect(await saved()).toEqual([2, 4])
})

test("what is retryable is saved again with the same manifest", async () => {
  const { store, record, checkpointer, events, slept, saved } = await job({ everyRecords: 1 })
  const save = store.save.bind(store)
  const manifests: unknown[] = []
  store.save = async (manifest, given) => {
    manifests.push(manifest)
    const receipt = await save(manifest, given)
    // The first two answers are lost.
    if (manifests.length <= 2) throw new CheckpointError("CKPT_UNKNOWN_OUTCOME", "lost.", { retryable: true })
    return receipt
  }
  await record()
  await checkpointer.close()
  expect(new Set(manifests).size).toBe(1)
  expect(slept).toEqual([1_000, 2_000])
  expect(events.map(({ type }) => type)).toEqual(["retry", "retry", "saved"])
  expect(events.at(-1)).toMatchObject({ receipt: { id: 3, outcome: "existed" } })
  expect(await saved()).toEqual([1])
})

test("a failure that may pass is an event, and the next checkpoint covers its records", async () => {
  const { backend, record, checkpointer, events, saved } = await job({ everyRecords: 2 })
  backend.failure = new BackendError("full", "no space left")
  await record()
  await record()
  expect(await rejectionOf(() => checkpointer.flush())).toMatchObject({ code: "CKPT_FULL" })
  backend.failure = undefined
  await record()
  await checkpointer.close()
  expect(events.map((event) => [event.type, "records" in event && event.records])).toEqual([
    ["failed", 2],
    ["failed", 2],
    ["saved", 3],
  ])
  expect(await saved()).toEqual([3])
})

test("after a failure that is not repeated, the next checkpoint is due after as many records as ever", async () => {
  let snapshots = 0
  const { backend, record, checkpointer, events, store } = await job({
    everyRecords: 10,
    snapshot: () => ({ state: json(++snapshots) }),
  })
  backend.failure = new BackendError("full", "no space left")
  for (let n = 0; n < 100; n++) await record()
  await rejectionOf(() => checkpointer.flush())
  expect(snapshots).toBe(11)
  expect(events.map(({ type }) => type)).toEqual(Array.from({ length: 11 }, () => "failed"))
  backend.failure = undefined
  await checkpointer.close()
  expect(events.at(-1)).toMatchObject({ type: "saved", records: 100 })
  expect(await store.ids()).toHaveLength(3)
})

test("without a listener a failed save is told by the next tick, and ends it", async () => {
  const { store, backend } = await opened()
  const checkpointer = createCheckpointer(store, { everyRecords: 1, snapshot: () => ({ state: json(1) }) })
  backend.failure = new BackendError("full", "no space left")
  await checkpointer.tick()
  expect(await rejectionOf(() => checkpointer.flush())).toMatchObject({ code: "CKPT_FULL" })
  backend.failure = undefined
  expect(await rejectionOf(() => checkpointer.tick())).toMatchObject({ code: "CKPT_FULL" })
})

test("five saves at most; what is retryable and fails all the same is covered by the next checkpoint", async () => {
  const { store, record, checkpointer, events, slept, saved } = await job({ everyRecords: 2 })
  const save = store.save.bind(store)
  store.save = async () => {
    throw new CheckpointError("CKPT_IO", "down.", { retryable: true })
  }
  await record()
  await record()
  await rejectionOf(() => checkpointer.flush())
  expect(slept.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000])
  store.save = save
  await record()
  await checkpointer.close()
  expect(events.filter(({ type }) => type !== "retry").map((event) => "records" in event && event.records)).toEqual([
    2, 2, 3,
  ])
  expect(await saved()).toEqual([3])
})

test.each([
  ["a generator", () => ({ state: chunks("x") }), "snapshot: state can be read once"],
  ["a stream", () => ({ operators: { window: new Blob(["x"]).stream() } }), 'operators["window"] can be read once'],
  ["a stream in a Map", () => ({ operators: new Map([["w", chunks("x")]]) }), 'operators["w"] can be read once'],
  ["nothing", () => undefined, "snapshot: it gave undefined; give an object such as"],
  ["bytes", () => bytes("x"), "a Uint8Array"],
  ["the manifest's fields", () => ({ sourceOffsets: {} }), "{ manifest: { sourceOffsets }, state }"],
  ["an unknown name", () => ({ stat: bytes("x") }), "Did you mean state?"],
])("a snapshot that is %s is refused by the tick, before anything is saved", async (_, snapshot, words) => {
  const { record, store } = await job({ everyRecords: 1, snapshot: snapshot as never })
  const error = await rejectionOf(record)
  expect(error).toMatchObject({ code: "CKPT_INVALID" })
  expect((error as Error).message).toContain(words)
  expect(await store.ids()).toEqual([1, 2])
})

test("a snapshot may give a function that makes a stream: it is called anew for each save", async () => {
  const { store, record, checkpointer } = await job({
    everyRecords: 1,
    snapshot: () => ({ state: () => chunks("a", "b") }),
  })
  const save = store.save.bind(store)
  let saves = 0
  store.save = async (...given) => {
    const receipt = await save(...given)
    if (++saves === 1) throw new CheckpointError("CKPT_UNKNOWN_OUTCOME", "lost.", { retryable: true })
    return receipt
  }
  await record()
  await checkpointer.close()
  expect([saves, new TextDecoder().decode(await (await (await store.open(3)).state())?.bytes())]).toEqual([2, "ab"])
})

test.each([["5"], [Number.NaN], [-1], [1.5]])("tick(%j) is refused, and counts nothing", async (count) => {
  const { checkpointer, store } = await job({ everyRecords: 1 })
  expect(await rejectionOf(() => checkpointer.tick(count as never))).toMatchObject({
    code: "CKPT_INVALID",
    message: expect.stringContaining("give a whole number from 0"),
  })
  await checkpointer.close()
  expect(await store.ids()).toEqual([1, 2])
})

test("CKPT_FENCED stops it", async () => {
  const { store, record, checkpointer, events } = await job({ everyRecords: 1 })
  await store.claim()
  await record()
  expect(await rejectionOf(() => checkpointer.flush())).toMatchObject({ code: "CKPT_FENCED" })
  expect(await rejectionOf(record)).toMatchObject({ code: "CKPT_FENCED" })
  expect(await rejectionOf(() => checkpointer.close())).toMatchObject({ code: "CKPT_FENCED" })
  expect(events.map(({ type }) => type)).toEqual(["failed"])
})

test("the first tick after an abort takes the last checkpoint, and rejects with the reason", async () => {
  const stop = new AbortController()
  const { record, saved } = await job({ everyRecords: 100, signal: stop.signal })
  await record()
  stop.abort(new Error("shut down"))
  expect(await rejectionOf(record)).toMatchObject({ message: "shut down" })
  expect(await saved()).toEqual([2])
})

test("an error of snapshot reaches the tick, and the records are not lost", async () => {
  let fails = true
  const { record, checkpointer, store } = await job({
    everyRecords: 1,
    snapshot: () => {
      if (fails) throw new RangeError("mine")
      return { manifest: { epoch: 70, labels: { by: "test" } } }
    },
  })
  expect(await rejectionOf(record)).toBeInstanceOf(RangeError)
  fails = false
  await checkpointer.close()
  expect(await store.load(3)).toMatchObject({ epoch: 70, labels: { by: "test" } })
})

test("what is no store is refused", async () => {
  const snapshot = () => ({})
  for (const store of [undefined, {}, new Map()])
    expect(await rejectionOf(() => createCheckpointer(store as never, { everyMs: 1, snapshot }))).toMatchObject({
      code: "CKPT_INVALID",
      message: expect.stringContaining("give an open store"),
    })
})

test.each([
  [undefined, "give { snapshot }"],
  [null, "the options are null"],
  [{ snapshot: () => ({}) }, "at least one"],
  [{ everyMs: 5 }, "give { snapshot }"],
  [{ everyRecord: 5, snapshot: () => ({}) }, "Did you mean everyRecords?"],
  [{ everyMs: 1, snapshot: () => ({}), onSaved: true }, "onSaved is true"],
  [{ everyMs: 1, snapshot: () => ({}), endWithinMs: 1_000 }, "endWithinMs counts from the abort of signal"],
  [{ everyMs: 0, snapshot: () => ({}) }, "everyMs is the number 0"],
])("options that cannot be used are refused: %j", async (options, words) => {
  const { store } = await opened()
  const error = await rejectionOf(() => createCheckpointer(store, options as never))
  expect(error).toMatchObject({ code: "CKPT_INVALID" })
  expect((error as Error).message).toContain(words)
})

test("a checkpoint has the offsets of its snapshot, although the job goes on and numbering is tried again", async () => {
  const offsets: Record<string, number> = { "0": 0 }
  let n = 0
  const { store, checkpointer } = await job({
    everyRecords: 10,
    snapshot: () => ({ manifest: { sourceOffsets: { orders: { epoch: 1, offsets } } }, state: json(n) }),
  })
  const next = store.nextManifest.bind(store)
  let failures = 0
  store.nextManifest = async (fields) => {
    if (failures++ < 2) throw new CheckpointError("CKPT_IO", "down.", { retryable: true })
    return next(fields)
  }
  while (n < 30) {
    offsets["0"] = ++n
    await checkpointer.tick()
  }
  await checkpointer.close()
  const saved = await Promise.all((await store.ids()).slice(2).map((id) => store.open(id)))
  expect(saved).toHaveLength(3)
  for (const one of saved) expect(String(await one.json())).toBe(one.manifest.sourceOffsets["orders"]?.offsets["0"])
})

test("onSaved is awaited before the next snapshot, so a sink publishes one checkpoint before the next is taken", async () => {
  const order: string[] = []
  const gate = held()
  let n = 0
  const { store, record, checkpointer } = await job({
    everyRecords: 1,
    snapshot: () => {
      order.push(`snapshot ${++n}`)
      return { manifest: { sinkCommitStatuses: { out: { status: "pending" } } }, state: json(n) }
    },
    onSaved: async ({ receipt: { id } }) => {
      if (id === 3) await gate.promise
      order.push(`publish ${id}`)
      await store.commitSink(id, "out")
    },
  })
  await record()
  const second = record()
  await store.ids()
  expect(order).toEqual(["snapshot 1"])
  gate.release()
  await second
  await checkpointer.close()
  expect(order).toEqual(["snapshot 1", "publish 3", "snapshot 2", "publish 4"])
  const found = await store.recover({ accept: acceptCommitted })
  expect([found.checkpoint?.id, found.skipped]).toEqual([4, []])
})

test("an error of onSaved ends it: the next tick rejects with the error, and nothing more is saved", async () => {
  const { store, record, checkpointer } = await job({
    everyRecords: 1,
    onSaved: () => {
      throw new RangeError("the sink is gone")
    },
  })
  await record()
  await expect(checkpointer.flush()).rejects.toThrow("the sink is gone")
  await expect(record()).rejects.toThrow("the sink is gone")
  await expect(checkpointer.close()).rejects.toThrow("the sink is gone")
  expect(await store.ids()).toEqual([1, 2, 3])
})

test("an abort cuts the wait before a save is repeated, and the last checkpoint is tried once", async () => {
  const stop = new AbortController()
  const asleep = held()
  const clock = {
    monotonic: () => 0,
    sleep: (_: number, signal?: AbortSignal) => {
      asleep.release()
      return untilAborted(new Promise<void>(() => {}), signal)
    },
  }
  const { store, record, events } = await job({ everyRecords: 1, signal: stop.signal, clock })
  let saves = 0
  store.save = async () => {
    saves++
    throw new CheckpointError("CKPT_IO", "down.", { retryable: true })
  }
  await record()
  await asleep.promise
  stop.abort(new Error("shut down"))
  expect(await rejectionOf(record)).toMatchObject({ code: "CKPT_IO" })
  expect(saves).toBe(2)
  expect(events.map(({ type }) => type)).toEqual(["retry", "failed", "failed"])
})

test.each(["a save", "a snapshot", "onSaved"])("close({ signal }) waits no longer for %s that hangs", async (who) => {
  const hung = held()
  const hangs = (signal?: AbortSignal) => {
    hung.release()
    return untilAborted(new Promise<never>(() => {}), signal)
  }
  const { store, backend, record, checkpointer, events } = await job({
    everyRecords: 100,
    ...(who === "a snapshot" && { snapshot: () => hangs() }),
    ...(who === "onSaved" && { onSaved: () => hangs() }),
  })
  if (who === "a save") backend.put = (_key, _body, { signal } = {}) => hangs(signal)
  await record()
  const limit = new AbortController()
  const closing = checkpointer.close({ signal: limit.signal })
  const other = checkpointer.close()
  await hung.promise
  limit.abort(new Error("no time left"))
  await expect(closing).rejects.toThrow("no time left")
  await expect(other).rejects.toThrow("no time left")
  await expect(record()).rejects.toThrow()
  expect(events.some(({ type }) => type === "saved")).toBe(false)
  await store.close()
})

test.each(["a save", "back pressure", "onSaved"])("after endWithinMs nobody waits for %s that hangs", async (who) => {
  const stop = new AbortController()
  const hung = held()
  const hangs = (signal?: AbortSignal) => {
    hung.release()
    return untilAborted(new Promise<never>(() => {}), signal)
  }
  const passes = held()
  const asked: number[] = []
  const clock = {
    monotonic: () => 0,
    sleep: async (ms: number, signal?: AbortSignal) => {
      asked.push(ms)
      return untilAborted(passes.promise, signal)
    },
  }
  const { backend, record, checkpointer } = await job({
    everyRecords: who === "a save" ? 100 : 1,
    signal: stop.signal,
    endWithinMs: 5_000,
    clock,
    ...(who === "onSaved" && { onSaved: () => hangs() }),
  })
  if (who !== "onSaved") backend.put = (_key, _body, { signal } = {}) => hangs(signal)
  await record()
  const waiting = who === "back pressure" ? record() : undefined
  stop.abort(new Error("shut down"))
  const last = record()
  await hung.promise
  passes.release()
  for (const ended of [last, waiting ?? last]) await expect(ended).rejects.toMatchObject({ code: "CKPT_TIMEOUT" })
  await expect(checkpointer.close()).rejects.toMatchObject({ code: "CKPT_TIMEOUT" })
  expect(asked).toEqual([5_000])
})

test.each(["snapshot", "onSaved"] as const)("a call within %s would wait for itself, and is refused", async (where) => {
  const refused: unknown[] = []
  const within = async () => {
    for (const call of ["tick", "flush", "close"] as const) refused.push(await rejectionOf(() => checkpointer[call]()))
    return { state: json(1) }
  }
  const { checkpointer, record, saved } = await job({ everyRecords: 1, [where]: within })
  await record()
  await checkpointer.close()
  for (const [at, call] of ["tick", "flush", "close"].entries())
    expect(refused[at]).toMatchObject({
      code: "CKPT_INVALID",
      message: expect.stringContaining(`${call}: it was called`),
    })
  expect(await saved()).toEqual([1])
})

test("what snapshot has begun may call it later: a timer, for example", async () => {
  let later: Promise<void> | undefined
  const passed = held()
  const { checkpointer, record, saved } = await job({
    everyRecords: 2,
    onSaved: () => {
      later ??= passed.promise.then(() => checkpointer.flush())
    },
  })
  await record()
  await record()
  await checkpointer.flush()
  await record()
  passed.release()
  await later
  expect(await saved()).toEqual([2, 3])
  await checkpointer.close()
})

test("onSaved has the manifest of the snapshot", async () => {
  const names: (string | undefined)[] = []
  let n = 0
  const { checkpointer, record } = await job({
    everyRecords: 1,
    snapshot: () => ({ manifest: { labels: { output: `w${n}` } } }),
    onSaved: ({ manifest, receipt }) =>
      names.push(`${manifest.checkpointId} ${receipt.id} ${manifest.labels?.["output"]}`),
  })
  for (n = 1; n <= 2; n++) await record()
  await checkpointer.close()
  expect(names).toEqual(["3 3 w1", "4 4 w2"])
})

test("close with a signal that is aborted takes no checkpoint", async () => {
  const { store, record, checkpointer } = await job({ everyRecords: 100 })
  await record()
  await expect(checkpointer.close({ signal: AbortSignal.abort(new Error("no time")) })).rejects.toThrow("no time")
  expect(await store.ids()).toEqual([1, 2])
  expect(await rejectionOf(() => checkpointer.close({ sginal: 1 } as never))).toMatchObject({ code: "CKPT_INVALID" })
})

test("the containers of a snapshot are those of the moment of the snapshot", async () => {
  const chunksOfState = [bytes("a")]
  const operators = new Map([["sum", [bytes("1")]]])
  let n = 0
  const { store, checkpointer } = await job({
    everyRecords: 1,
    snapshot: () => (n++ === 0 ? { state: chunksOfState } : { operators }),
  })
  const next = store.nextManifest.bind(store)
  store.nextManifest = async (fields) => {
    const manifest = await next(fields)
    chunksOfState.push(bytes("later"))
    operators.get("sum")?.push(bytes("later"))
    operators.set("sum", [bytes("other")])
    return manifest
  }
  await checkpointer.tick()
  await checkpointer.tick()
  await checkpointer.close()
  const read = async (id: number, name?: string) => {
    const checkpoint = await store.open(id)
    const held = name === undefined ? await (await checkpoint.state())?.bytes() : await checkpoint.operator(name)
    return new TextDecoder().decode(held)
  }
  expect([await read(3), await read(4, "sum")]).toEqual(["a", "other"])
})
