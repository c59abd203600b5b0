import { expect, test } from "vitest"
import {
  acceptCommitted,
  BackendError,
  type CopyProgress,
  type CopySkipped,
  type CopyStoreOptions,
  copyCheckpoint,
  copyStore,
  type ObjectMeta,
  openCheckpointStore,
  type Progress,
  type StoreEvent,
  type StoreOptions,
} from "../../src/index.js"
import { bytes, chunks, manifest, Objects, opened, rejectionOf } from "../mistakes/support.js"

/** A store with checkpoints 1 and 2, and an empty one on a storage of its own. */
async function both(options: StoreOptions = {}) {
  const source = await opened()
  const target = new Objects()
  return { ...source, target, to: await openCheckpointStore({ ...options, backend: target }) }
}

const same = (a: Objects, b: Objects, key: string) => {
  expect(b.stored.get(key)?.bytes).toBeDefined()
  expect(Buffer.from(b.stored.get(key)?.bytes as Uint8Array).equals(a.stored.get(key)?.bytes as Uint8Array)).toBe(true)
}

test("a checkpoint is copied under its id, byte for byte, with the checksums of its operators", async () => {
  const { store, backend, target, to } = await both()
  await store.save(manifest(3), { operators: { a: chunks("one", "two"), b: bytes("b") }, inlineThreshold: 0 })
  await store.update(3, (current) => ({ ...current, labels: { by: "test" } }))
  expect(await copyCheckpoint(store, to, 3)).toEqual({ id: 3, outcome: "created", stateSize: 7 })
  same(backend, target, "manifests/manifest-000003.json")
  same(backend, target, "checkpoints/state-000003.bin")
  expect(new TextDecoder().decode(await (await to.open(3)).operator("a"))).toBe("onetwo")
  expect((await to.verify(3)).issues).toEqual([])
  expect(await to.nextId()).toBe(4)
})

test("a copy that is there is not read again; one with other content is a conflict", async () => {
  const { store, backend, target, to } = await both()
  await copyCheckpoint(store, to, 1)
  backend.requests.length = 0
  expect(await copyCheckpoint(store, to, 1)).toMatchObject({ outcome: "existed" })
  expect(backend.requests.filter((request) => request.includes("state-"))).toEqual([])
  await to.save(manifest(2), { state: bytes("other") })
  const before = target.stored.get("manifests/manifest-000002.json")
  expect(await rejectionOf(() => copyCheckpoint(store, to, 2))).toMatchObject({
    code: "CKPT_CONFLICT",
    checkpointId: 2,
  })
  expect(target.stored.get("manifests/manifest-000002.json")).toBe(before)
})

test("a state that is damaged is not copied: there is no manifest of it", async () => {
  const { store, backend, target, to } = await both()
  const key = "checkpoints/state-000001.bin"
  backend.stored.set(key, { bytes: bytes("eno"), meta: backend.stored.get(key)?.meta as never })
  expect(await rejectionOf(() => copyCheckpoint(store, to, 1))).toMatchObject({ code: "CKPT_CORRUPT", checkpointId: 1 })
  expect(target.stored.has("manifests/manifest-000001.json")).toBe(false)
  expect(await rejectionOf(() => copyCheckpoint(store, to, 9))).toMatchObject({ code: "CKPT_NOT_FOUND" })
})

test("what a leader wrote and recovered is copied without its marks, and a claim of the copy keeps it", async () => {
  const { store, to } = await both()
  const leader = await store.claim()
  await leader.save(manifest(3), { state: bytes("led") })
  await leader.open(1)
  const report = await copyStore(leader, to)
  expect(report).toEqual({ copied: [1, 2, 3], existed: [], replaced: [], skipped: [] })
  const copied = await to.load(3)
  expect([copied?.writer, copied?.seen]).toEqual([undefined, undefined])
  expect(copied?.stateChecksum).toBe((await leader.load(3))?.stateChecksum)
  expect((await to.recover()).checkpoint?.id).toBe(3)
  const next = await to.claim()
  expect((await next.recover()).checkpoint?.id).toBe(3)
  expect((await copyStore(leader, next)).existed).toEqual([1, 2, 3])
})

test("a leader copies under its own mark, so that the copy counts", async () => {
  const { store, to } = await both()
  const leader = await to.claim()
  expect((await copyStore(store, leader)).copied).toEqual([1, 2])
  expect((await leader.recover()).checkpoint?.id).toBe(2)
})

test("copyStore copies all with their pins, tells how far it is, and goes on where it ended", async () => {
  const { store, to } = await both()
  for (let id = 3; id <= 5; id++) await store.save(manifest(id), { state: bytes(`state ${id}`) })
  await store.pin(2, "before-upgrade")
  const stop = new AbortController()
  const told: CopyProgress[] = []
  const reason = new Error("enough")
  const onProgress = (progress: CopyProgress) => {
    told.push(progress)
    if (progress.done === 2) stop.abort(reason)
  }
  expect(await rejectionOf(() => copyStore(store, to, { signal: stop.signal, onProgress }))).toBe(reason)
  expect(await to.ids()).toEqual([1, 2])
  expect(told.at(-1)).toEqual({ id: 2, done: 2, total: 5, bytesDone: 0, bytesTotal: 0 })
  expect(await copyStore(store, to)).toEqual({ copied: [3, 4, 5], existed: [1, 2], replaced: [], skipped: [] })
  expect(await to.pins()).toEqual([{ name: "before-upgrade", id: 2 }])
})

test("the progress of a copy has the size of the state from the first chunk on", async () => {
  const { store, to } = await both()
  await store.save(manifest(3), { state: chunks("x".repeat(700_000), "y".repeat(700_000)) })
  const told: (number | undefined)[][] = []
  const onProgress = ({ bytesDone, bytesTotal }: { bytesDone: number; bytesTotal?: number }) => {
    told.push([bytesDone, bytesTotal])
  }
  await copyStore(store, to, { ids: [3], onProgress })
  await copyCheckpoint(store, (await both()).to, 3, { onProgress })
  expect(told.filter(([bytesDone = 0]) => bytesDone < 1_400_000).length).toBeGreaterThan(1)
  expect(new Set(told.map(([, bytesTotal]) => bytesTotal))).toEqual(new Set([1_400_000]))
})

test("a damaged checkpoint is skipped, unless it was asked for", async () => {
  const { store, backend, to } = await both()
  const key = "manifests/manifest-000001.json"
  backend.stored.set(key, { bytes: bytes("{"), meta: { ...(backend.stored.get(key)?.meta as ObjectMeta), size: 1 } })
  const { copied, skipped } = await copyStore(store, to)
  expect(copied).toEqual([2])
  expect(skipped).toMatchObject([{ id: 1, error: { code: "CKPT_CORRUPT" } }])
  expect(await rejectionOf(() => copyStore(store, to, { ids: [1] }))).toMatchObject({ code: "CKPT_CORRUPT" })
})

test("copyStore follows until it is aborted", async () => {
  const rounds: number[] = []
  const stop = new AbortController()
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    async sleep(ms: number, signal?: AbortSignal) {
      // The time-outs of requests, which never come.
      if (ms !== 500)
        return new Promise<void>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)))
      rounds.push(ms)
      const id = rounds.length + 2
      if (rounds.length < 3) await store.save(manifest(id), { state: bytes(`state ${id}`) })
      else stop.abort(new Error("stopped"))
      signal?.throwIfAborted()
    },
  }
  const { store, to } = await both({ clock })
  const copying = copyStore(store, to, { follow: { everyMs: 500 }, signal: stop.signal })
  expect(await rejectionOf(() => copying)).toMatchObject({ message: "stopped" })
  expect(rounds).toEqual([500, 500, 500])
  expect(await to.ids()).toEqual([1, 2, 3, 4])
})

test("a sink that commits after the copy was made is recorded in the copy, and the copy stays the same checkpoint", async () => {
  const { store, to, target } = await both()
  const sinkCommitStatuses = { windows: { status: "pending" }, audit: { status: "pending" } } as const
  await store.saveNext({ sinkCommitStatuses }, { state: bytes("three") })
  await copyStore(store, to)
  await store.commitSink(3, "windows")
  const state = target.stored.get("checkpoints/state-000003.bin")
  expect(await copyStore(store, to)).toEqual({ copied: [], existed: [1, 2, 3], replaced: [], skipped: [] })
  const committed = { status: "committed" }
  expect({ ...(await to.load(3))?.sinkCommitStatuses }).toEqual({ windows: committed, audit: { status: "pending" } })
  // The job went on with the copy: what the original still has pending takes nothing back.
  await to.commitSink(3, "audit")
  expect(await copyCheckpoint(store, to, 3)).toMatchObject({ outcome: "existed" })
  expect({ ...(await to.load(3))?.sinkCommitStatuses }).toEqual({ windows: committed, audit: committed })
  expect(target.stored.get("checkpoints/state-000003.bin")).toBe(state)
  await store.update(3, (current) => ({ ...current, labels: { by: "test" } }))
  expect(await rejectionOf(() => copyCheckpoint(store, to, 3))).toMatchObject({ code: "CKPT_CONFLICT" })
})

test("what retention of the target removed is passed over; what a claim used up is a conflict", async () => {
  const { store, to, target } = await both()
  await store.saveNext()
  await copyStore(store, to)
  await to.prune({ last: 1 })
  const report = await copyStore(store, to)
  expect(report).toMatchObject({ copied: [], existed: [3], skipped: [{ id: 1 }, { id: 2 }] })
  expect(report.skipped[0]?.error).toMatchObject({ code: "CKPT_CONFLICT", checkpointId: 1 })
  expect(await to.ids()).toEqual([3])
  expect(await rejectionOf(() => copyStore(store, to, { ids: [1] }))).toMatchObject({ code: "CKPT_CONFLICT" })
  const leader = await (await openCheckpointStore({ backend: target })).claim()
  expect(await rejectionOf(() => copyStore(store, leader))).toMatchObject({ code: "CKPT_CONFLICT", checkpointId: 1 })
})

test("a state that breaks off while it is written is read anew, and verified again", async () => {
  const { store, backend, target, to } = await both()
  await store.save(manifest(3), { state: chunks("one", "two") })
  const put = target.put.bind(target)
  let broken = 0
  target.put = async (key, body, options) => {
    if (!key.includes("state-000003") || broken++ > 0) return put(key, body, options)
    for await (const _ of body) throw new BackendError("transient", "the connection was reset")
    throw new Error("no chunk came")
  }
  const quick = await openCheckpointStore({ backend: target, retry: { minDelayMs: 0, maxDelayMs: 0 } })
  expect(await copyCheckpoint(store, quick, 3)).toEqual({ id: 3, outcome: "created", stateSize: 6 })
  expect(broken).toBe(2)
  same(backend, target, "checkpoints/state-000003.bin")
  expect((await to.verify(3, { depth: "deep" })).issues).toEqual([])
})

test("a pin whose name holds another checkpoint in the target stays, and is told; the others are made", async () => {
  const { store, to } = await both()
  await copyStore(store, to)
  await to.pin(1, "nightly")
  await store.pin(2, "nightly")
  await store.pin(2, "other")
  const told: CopySkipped[] = []
  const onSkipped = (one: CopySkipped) => {
    told.push(one)
    throw new Error("nobody hears this")
  }
  const report = await copyStore(store, to, { onSkipped })
  expect(report).toMatchObject({
    existed: [1, 2],
    skipped: [{ id: 2, pin: "nightly", error: { code: "CKPT_CONFLICT", checkpointId: 2, backend: "objects" } }],
  })
  expect(told).toEqual(report.skipped)
  expect(report.skipped[0]?.error.message).toBe(
    "copyStore: nightly pins checkpoint 2 in the store that is copied. In the copy, the name nightly pins checkpoint 1 on objects already. " +
      'unpin("nightly") first, or take another name. Or give pins: "move".',
  )
  expect(await to.pins()).toEqual([
    { name: "nightly", id: 1 },
    { name: "other", id: 2 },
  ])
  expect(await copyStore(store, to, { pins: false })).toMatchObject({ existed: [1, 2] })
  expect(await copyStore(store, to, { pins: "move" })).toMatchObject({ existed: [1, 2], skipped: [] })
  expect(await to.pins()).toEqual([
    { name: "nightly", id: 2 },
    { name: "other", id: 2 },
  ])
})

test("the entry of ids that is no id is shown", async () => {
  const { store, to } = await both()
  expect(await rejectionOf(() => copyStore(store, to, { ids: [1, 0] }))).toMatchObject({
    code: "CKPT_INVALID",
    message: expect.stringContaining("one of these is the number 0"),
  })
})

test("following carries the commit of a sink, too, and asks again for no other checkpoint", async () => {
  const { store, backend, to } = await both()
  const sinkCommitStatuses = { windows: { status: "pending" } } as const
  await store.saveNext({ sinkCommitStatuses })
  const stop = new AbortController()
  const asked: string[][] = []
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    async sleep(ms: number, signal?: AbortSignal) {
      if (ms !== 7)
        return new Promise<void>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)))
      asked.push(backend.requests.splice(0).filter((request) => request.startsWith("get manifests/manifest-")))
      if (asked.length === 1) await store.commitSink(3, "windows")
      if (asked.length === 3) stop.abort(new Error("stopped"))
      backend.requests.length = 0
      signal?.throwIfAborted()
    },
  }
  const replica = await openCheckpointStore({ backend: new Objects(), clock })
  backend.requests.length = 0
  const following = copyStore(store, replica, { follow: { everyMs: 7 }, signal: stop.signal })
  expect(await rejectionOf(() => following)).toMatchObject({ message: "stopped" })
  expect((await replica.recover({ accept: acceptCommitted })).checkpoint?.id).toBe(3)
  expect(asked.map((requests) => requests.length)).toEqual([3, 1, 0])
  await copyStore(store, to)
})

test("a damaged copy is written anew only if that is asked for, and its events say so", async () => {
  const events: StoreEvent[] = []
  const { store, to, target, backend } = await both({ onEvent: (event) => events.push(event) })
  await copyStore(store, to)
  const key = "checkpoints/state-000001.bin"
  const { meta } = target.stored.get(key) as { meta: ObjectMeta }
  target.stored.set(key, { bytes: bytes("eno"), meta })
  expect(await copyCheckpoint(store, to, 1)).toMatchObject({ outcome: "existed" })
  const refused = await rejectionOf(() => copyCheckpoint(store, to, 1, { depth: "deep" }))
  expect(refused).toMatchObject({ code: "CKPT_CORRUPT", checkpointId: 1, backend: "objects" })
  expect((refused as Error).message).toMatch(/^the copy of checkpoint 1 on objects is damaged: .* replaceDamaged: true/)
  events.length = 0
  const phases = new Set<string>()
  const options = {
    depth: "deep",
    replaceDamaged: true,
    onProgress: ({ phase }: Progress) => phases.add(phase),
  } as const
  expect(await copyCheckpoint(store, to, 1, options)).toEqual({ id: 1, outcome: "replaced", stateSize: 3 })
  expect(phases).toEqual(new Set(["verify", "write"]))
  expect(events).toMatchObject([
    { type: "saved", id: 1, outcome: "replaced", stateSize: 3 },
    { type: "pointer-superseded", id: 1, current: 2 },
  ])
  same(backend, target, key)
  expect(await copyCheckpoint(store, to, 1, options)).toMatchObject({ outcome: "existed" })
})

test("a leader writes a damaged copy anew under its own mark, and two at once do no harm", async () => {
  const { store, to, target } = await both()
  await copyStore(store, to)
  const leader = await to.claim()
  const key = "manifests/manifest-000002.json"
  const damage = () => {
    const { meta } = target.stored.get(key) as { meta: ObjectMeta }
    target.stored.set(key, { bytes: bytes("{"), meta: { ...meta, size: 1, version: "damaged" } })
  }
  damage()
  expect(await rejectionOf(() => copyCheckpoint(store, to, 2, { replaceDamaged: true }))).toMatchObject({
    code: "CKPT_FENCED",
  })
  expect(await copyStore(store, leader, { replaceDamaged: true })).toMatchObject({ existed: [1], replaced: [2] })
  expect((await leader.load(2))?.writer?.epoch).toBe(leader.epoch)
  expect((await leader.recover()).checkpoint?.id).toBe(2)
  damage()
  const copies = [1, 2].map(() => copyCheckpoint(store, leader, 2, { replaceDamaged: true }))
  for (const { outcome } of await Promise.all(copies)) expect(outcome).toBe("replaced")
  expect((await leader.verify(2)).issues).toEqual([])
})

test("a failure says which function failed", async () => {
  const { store, backend, to } = await both()
  backend.get = async () => {
    throw new BackendError("denied", "no permission")
  }
  expect(await rejectionOf(() => copyCheckpoint(store, to, 1))).toMatchObject({
    message: expect.stringMatching(/^copyCheckpoint of checkpoint 1 failed on objects/),
  })
  expect(await rejectionOf(() => copyStore(store, to, { ids: [1] }))).toMatchObject({
    message: expect.stringMatching(/^copyStore of checkpoint 1 failed on objects/),
  })
})

test("as many checkpoints are looked at together as is asked for", async () => {
  const { store, backend, to } = await both()
  for (let id = 3; id <= 8; id++) await store.save(manifest(id))
  const get = backend.get.bind(backend)
  for (const [concurrency, most] of [
    [1, 1],
    [undefined, 4],
    [64, 8],
  ]) {
    let [now, highest] = [0, 0]
    backend.get = async (key, options) => {
      if (!key.includes("manifest-")) return get(key, options)
      highest = Math.max(highest, ++now)
      await new Promise(setImmediate)
      now--
      return get(key, options)
    }
    await copyStore(store, to, { concurrency })
    expect(highest).toBe(most)
  }
})

test("what is no store is refused", async () => {
  const { store, to } = await both()
  expect(await rejectionOf(() => copyCheckpoint({} as never, to, 1))).toMatchObject({ code: "CKPT_INVALID" })
  expect(await rejectionOf(() => copyStore(store, undefined as never))).toMatchObject({ code: "CKPT_INVALID" })
  expect(await rejectionOf(() => copyStore(store, to, { id: [1] } as never))).toMatchObject({
    message: "copyStore: there is no option id. Did you mean ids?",
  })
  expect(await rejectionOf(() => copyStore(store, store))).toMatchObject({
    code: "CKPT_INVALID",
    message: "copyStore: from and to are the same store; give two.",
  })
  const followed = await rejectionOf(() => copyStore(store, to, { ids: [1], follow: { everyMs: 5 } }))
  expect(followed).toMatchObject({ code: "CKPT_INVALID", message: expect.stringContaining("ids and follow are given") })
  expect(await rejectionOf(() => copyStore(store, to, { follow: {} as never }))).toMatchObject({
    message: expect.stringContaining("follow has no everyMs"),
  })
  expect(await rejectionOf(() => copyStore(store, to, { ids: ["1"] } as never))).toMatchObject({ code: "CKPT_INVALID" })
  const closed = await openCheckpointStore({ backend: new Objects() })
  await closed.close()
  expect(await rejectionOf(() => copyCheckpoint(store, closed, 1))).toMatchObject({ code: "CKPT_CLOSED" })
})

/** The objects of a checkpoint, as another writer would have written them. */
function putRaw(from: Objects, into: Objects, ...keys: string[]): void {
  for (const key of keys) {
    const found = from.stored.get(key)
    if (found === undefined) throw new Error(`there is no ${key}`)
    into.stored.set(key, { bytes: found.bytes, meta: { ...found.meta, version: `raw ${key}` } })
  }
}

test("what a superseded copier wrote late is no copy: a leader writes it anew, and recovers it", async () => {
  const { store, backend, to, target } = await both()
  await copyStore(store, to)
  await store.saveNext({}, { state: bytes("third") })
  const leader = await to.claim()
  putRaw(backend, target, "checkpoints/state-000003.bin", "manifests/manifest-000003.json")
  expect((await leader.recover()).checkpoint?.id).toBe(2)
  expect(await copyStore(store, leader)).toMatchObject({ existed: [1, 2], replaced: [3], skipped: [] })
  const { checkpoint } = await leader.recover()
  expect([checkpoint?.id, checkpoint?.manifest.writer?.epoch]).toEqual([3, 1])
  expect(await copyCheckpoint(store, leader, 3)).toMatchObject({ outcome: "existed" })
})

test("a copy that is there and was written by an earlier leader exists, and is not written anew", async () => {
  const { store, to } = await both()
  const first = await to.claim()
  await copyStore(store, first)
  await first.release()
  const second = await to.claim()
  expect(await copyStore(store, second)).toMatchObject({ existed: [1, 2], replaced: [] })
  expect(await copyStore(store, await to.claim())).toMatchObject({ existed: [1, 2], replaced: [] })
})

test.each([false, true])("a state without a manifest: replaceDamaged: %s", async (replaceDamaged) => {
  const { store, backend, to, target } = await both()
  await store.saveNext({}, { state: bytes("third") })
  await store.saveNext({}, { state: bytes("fourth") })
  putRaw(backend, target, "checkpoints/state-000003.bin")
  const state = target.stored.get("checkpoints/state-000003.bin")
  if (state !== undefined)
    target.stored.set("checkpoints/state-000003.bin", { bytes: bytes("thi"), meta: { ...state.meta, size: 3 } })
  const report = await copyStore(store, to, { replaceDamaged })
  if (!replaceDamaged) {
    expect(report).toMatchObject({ copied: [1, 2, 4], skipped: [{ id: 3, error: { code: "CKPT_CORRUPT" } }] })
    expect(report.skipped[0]?.error.message).toContain("without a manifest")
    return
  }
  expect(report).toMatchObject({ copied: [1, 2, 4], replaced: [3], skipped: [] })
  expect((await to.verify(3, { depth: "deep" })).issues).toEqual([])
})

test("another copier that was first, and saw a sink commit, is no conflict", async () => {
  const { store, to, target } = await both()
  const sinkCommitStatuses = { windows: { status: "pending" } } as const
  const { id } = await store.saveNext({ sinkCommitStatuses }, { state: bytes("third") })
  const slow = await openCheckpointStore({ backend: target })
  const put = target.put.bind(target)
  let isFirst = true
  target.put = async (key, body, options) => {
    if (isFirst && key === "manifests/manifest-000003.json") {
      isFirst = false
      await store.commitSink(id, "windows")
      expect(await copyCheckpoint(store, to, id)).toMatchObject({ outcome: "created" })
    }
    return put(key, body, options)
  }
  expect(await copyCheckpoint(store, slow, id)).toMatchObject({ outcome: "existed" })
  expect((await to.load(id))?.sinkCommitStatuses["windows"]?.status).toBe("committed")
})

test("the options of a copy are those of the moment of the call", async () => {
  const { store, to, target } = await both()
  await copyStore(store, to)
  const key = "checkpoints/state-000001.bin"
  const state = target.stored.get(key)
  if (state === undefined) throw new Error("there is no state")
  target.stored.set(key, {
    bytes: state.bytes.slice(1),
    meta: { ...state.meta, size: state.meta.size - 1, version: "cut" },
  })
  const options: CopyStoreOptions = {}
  const copying = copyStore(store, await openCheckpointStore({ backend: target }), options)
  options.replaceDamaged = true
  expect(await copying).toMatchObject({ replaced: [], skipped: [{ id: 1, error: { code: "CKPT_CORRUPT" } }] })
})
