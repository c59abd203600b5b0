// Retention in the background.
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { BackendError } from "@ckpt/core"
import { MemoryBackend } from "@ckpt/memory"
import { describe, expect, test } from "vitest"
import { CkptSaver, type CkptSaverEvent, type CkptSaverOptions } from "../src/index.js"
import { allStorages } from "./storages.js"
import { checkpointOf, clockWith, idOfConfig, idsOf, keysOf, large, loop, putOn, threadOf, watched } from "./threads.js"

const thread = threadOf("t")
const dayMs = 24 * 60 * 60 * 1000
/** Puts checkpoints into a thread, one behind the other. Gives the ids, the latest first. */
async function fill(saver: CkptSaver, count: number, config = thread): Promise<string[]> {
  const ids: string[] = []
  let latest = config
  for (let step = 0; step < count; step++) {
    latest = await putOn(saver, latest, checkpointOf({ step }))
    ids.unshift(idOfConfig(latest))
  }
  return ids
}

describe.each(allStorages)("$name", ({ isThere, create }) => {
  test.skipIf(!isThere)("two processes on one thread: what the rules keep is whole, the latest too", async () => {
    await using place = await create()
    const events: CkptSaverEvent[] = []
    const open = (random: number) =>
      new CkptSaver({
        backend: place.open(),
        retain: { last: 3 },
        random: () => random,
        onEvent: (event) => events.push(event),
      })
    const savers = [open(0.2), open(0.3)]
    const ids = await Promise.all(savers.map((saver) => fill(saver, 20)))
    for (const saver of savers) await saver.close()
    const reader = new CkptSaver({ backend: place.open() })
    const found = await idsOf(reader, thread)
    const latest = ids.flat().sort().reverse()
    expect(found.slice(0, 3)).toEqual(latest.slice(0, 3))
    expect(found.length).toBeLessThan(35)
    expect(events).toEqual([])
    await reader.close()
  })
})

test("a thread is pruned after as many puts as the last prune left, and at least 50", async () => {
  const backend = new MemoryBackend()
  const saver = new CkptSaver({ backend, retain: { last: 70 }, random: () => 0.999 })
  const counts: number[] = []
  let config = thread
  for (let put = 0; put < 400; put++) {
    config = await putOn(saver, config, checkpointOf({ put }))
    await settled()
    counts.push((await keysOf(backend)).length)
  }
  const drops = counts.flatMap((count, at) => (count < (counts[at - 1] ?? 0) ? [at] : []))
  // The first after 70, where nothing may go. It left 70; so did each after it.
  expect(drops).toEqual([139, 209, 279, 349])
  expect(Math.max(...counts)).toBe(139)
  await saver.close()
})

/** Lets all go on that waits for nothing but memory. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
}

test.each([{ last: 1 }, { last: 10 }, { last: 200 }, { withinMs: 1000 * dayMs }])(
  "the requests of prunes are a small share of those of a thread (%j)",
  async (retain) => {
    const backend = new MemoryBackend()
    const counts: Record<string, number> = { put: 0, get: 0, head: 0, list: 0, delete: 0 }
    const counted = watched(backend, (call) => {
      if (counts[call] !== undefined) counts[call]++
    })
    const saver = new CkptSaver({ backend: counted, retain, random: () => 0.5 })
    await putOn(saver, threadOf("first"), checkpointOf({}))
    for (const call of Object.keys(counts)) counts[call] = 0
    const puts = 1000
    let config = thread
    for (let put = 0; put < puts; put++) {
      config = await putOn(saver, config, checkpointOf({ put }))
      await settled()
    }
    await saver.close()
    const { put = 0, get = 0, head = 0, list = 0, delete: deletes = 0 } = counts
    expect((put - puts + list) / puts).toBeLessThan(0.1)
    expect(get / puts).toBeLessThan(2.1)
    expect(deletes / puts).toBeLessThan(0.1)
    expect(head).toBe(0)
  },
)

test("a process that lives for a few puts alone prunes as often", async () => {
  const backend = new MemoryBackend()
  let seed = 1
  // A linear congruential generator.
  const random = () => {
    seed = (seed * 48271) % 2147483647
    return seed / 2147483647
  }
  let most = 0
  for (let invocation = 0; invocation < 300; invocation++) {
    const saver = new CkptSaver({ backend, retain: { last: 5 }, random })
    const { config = thread } = (await saver.getTuple(thread)) ?? {}
    await fill(saver, 4, config)
    await saver.close()
    most = Math.max(most, (await keysOf(backend)).length)
  }
  expect(most).toBeLessThan(300)
})

/** A promise, and the function that resolves it. */
function latch() {
  let resolve = () => {}
  const promise = new Promise<void>((resolved) => {
    resolve = resolved
  })
  return { promise, resolve }
}

test("no put waits for a prune; close() does", async () => {
  const backend = new MemoryBackend()
  const [begun, letGo] = [latch(), latch()]
  const slow = watched(backend, (call, key) => {
    if (call !== "list" || !key.startsWith("v/")) return undefined
    begun.resolve()
    return letGo.promise
  })
  const saver = new CkptSaver({ backend: slow, retain: { last: 1 }, random: () => 0 })
  const ids = await fill(saver, 5)
  await begun.promise
  let isClosed = false
  const closed = saver.close().then(() => {
    isClosed = true
  })
  await settled()
  expect(isClosed).toBe(false)
  letGo.resolve()
  await closed
  const left = await idsOf(new CkptSaver({ backend }), thread)
  expect(left[0]).toBe(ids[0])
  // What was stored since the prune began stays.
  expect(left).not.toContain(ids[4])
})

test("a put that ends while the saver is closed begins no prune", async () => {
  const [begun, letGo] = [latch(), latch()]
  const backend = new MemoryBackend()
  const slow = watched(backend, (call, key) => {
    if (call !== "put" || !key.startsWith("c/")) return undefined
    begun.resolve()
    return letGo.promise
  })
  const events: CkptSaverEvent[] = []
  const saver = new CkptSaver({
    backend: slow,
    retain: { last: 1 },
    random: () => 0,
    onEvent: (event) => events.push(event),
  })
  const put = putOn(saver, thread, checkpointOf({}))
  await begun.promise
  const closed = saver.close()
  letGo.resolve()
  await put
  await closed
  expect(await keysOf(backend)).toHaveLength(1)
  expect(events).toEqual([])
})

test("there is one prune at a time; a thread whose turn comes meanwhile has it at its next put", async () => {
  const backend = new MemoryBackend()
  const [begun, letGo] = [latch(), latch()]
  const pruned: string[] = []
  const slow = watched(backend, (call, key) => {
    if (call !== "list" || !key.startsWith("v/")) return undefined
    pruned.push(key)
    begun.resolve()
    return pruned.length === 1 ? letGo.promise : undefined
  })
  const saver = new CkptSaver({ backend: slow, retain: { last: 1 }, random: () => 0 })
  await fill(saver, 1)
  await begun.promise
  await fill(saver, 3, threadOf("other"))
  expect(pruned).toEqual(["v/t/"])
  letGo.resolve()
  await settled()
  const [latest] = await fill(saver, 1, threadOf("other"))
  await saver.close()
  expect(pruned).toEqual(["v/t/", "v/other/"])
  expect(await idsOf(new CkptSaver({ backend }), threadOf("other"))).toEqual([latest])
})

test("a prune that fails is an event, fails no put, and a later one tries again", async () => {
  const backend = new MemoryBackend()
  let isDenied = true
  const denied = watched(backend, (call) => {
    if (call === "delete" && isDenied) throw new BackendError("denied", "no permission to delete")
  })
  const events: CkptSaverEvent[] = []
  const onEvent = (event: CkptSaverEvent) => {
    events.push(event)
    throw new Error("of the listener")
  }
  const options: CkptSaverOptions = { backend: denied, retain: { last: 1 }, random: () => 0.99, onEvent }
  const saver = new CkptSaver(options)
  await putOn(new CkptSaver({ backend }), threadOf("first"), checkpointOf({}))
  await saver.put(threadOf("first"), checkpointOf({}), loop, {}).catch(() => {})
  const ids = await fill(saver, 50)
  await settled()
  expect(events).toMatchObject([{ type: "retention-failed", threadId: "t", error: { code: "CKPT_DENIED" } }])
  isDenied = false
  ids.unshift(...(await fill(saver, 50)))
  await saver.close()
  expect(events).toHaveLength(1)
  expect(await idsOf(new CkptSaver({ backend }), thread)).toEqual([ids[0]])
})

test("what is young stays, what is named stays, and an id may be added later", async () => {
  let day = 20_000
  const now = () => day * dayMs
  const backend = new MemoryBackend({ now })
  const keep: string[] = []
  const open = () =>
    new CkptSaver({ backend, retain: { withinMs: 3.5 * dayMs, keep }, random: () => 0.999, clock: clockWith(now) })
  const saver = open()
  const ids: string[] = []
  let config = thread
  for (; day < 20_050; day++) {
    config = await putOn(saver, config, checkpointOf({ text: large(`${day}`) }))
    ids.unshift(idOfConfig(config))
    if (day === 20_010) keep.push(idOfConfig(config))
  }
  await saver.close()
  expect(await idsOf(open(), thread)).toEqual([...ids.slice(0, 3), keep[0]])
  // Values go from the fourth day on.
  expect((await keysOf(backend)).filter((key) => key.startsWith("v/"))).toHaveLength(4)
})

test("the first prune of 10,000 checkpoints reads each once, sixteen at a time, and holds none of their values", async () => {
  const backend = new MemoryBackend()
  const filler = new CkptSaver({ backend })
  const size = 10_000
  for (let at = 0; at < size; at += 100) {
    await Promise.all(
      Array.from({ length: 100 }, () => putOn(filler, thread, checkpointOf({ text: "x".repeat(3000) }))),
    )
  }
  const counts: Record<string, number> = { put: 0, get: 0, head: 0, list: 0, delete: 0 }
  let [reading, most, heldBytes] = [0, 0, 0]
  setFlagsFromString("--expose-gc")
  const gc: () => void = runInNewContext("gc")
  const bytes = () => {
    gc()
    return process.memoryUsage().arrayBuffers
  }
  const counted = watched(backend, (call, key) => {
    if (counts[call] !== undefined) counts[call]++
    // All are read by now, and none has gone.
    if (call === "delete" && key.startsWith("c/")) heldBytes ||= bytes() - before
  })
  const { get } = backend
  backend.get = async (...given) => {
    most = Math.max(most, ++reading)
    return get.apply(backend, given).finally(() => reading--)
  }
  const saver = new CkptSaver({ backend: counted, retain: { last: 10 }, random: () => 0 })
  await saver.getTuple(thread)
  for (const call of Object.keys(counts)) counts[call] = 0
  const before = bytes()
  const [latest] = await fill(saver, 1)
  await saver.close()
  const left = await idsOf(filler, thread)
  expect(left).toHaveLength(10)
  expect(left[0]).toBe(latest)
  expect(most).toBeLessThanOrEqual(16)
  expect(counts["get"]).toBeLessThan(size + 10)
  // Values, the first 20 names of checkpoints, and then a thousand each time.
  expect(counts["list"]).toBe(1 + 1 + 11)
  expect(heldBytes).toBeLessThan(10_000_000)
})

test.each([
  [{}, /retain: without a rule/],
  [{ lats: 1 }, /Did you mean retain\.last\?/],
  [{ last: 0 }, /retain\.last is the number 0/],
  [{ keep: "id" }, /retain\.keep/],
  [10, /retain is the number 10; give rules, such as \{ last: 10 \}/],
  [null, /retain is null; give rules/],
])("the rules %j are refused", (retain, message) => {
  const open = () => new CkptSaver({ backend: new MemoryBackend(), retain: retain as never })
  expect(open).toThrow(message)
  expect(open).toThrow(expect.objectContaining({ code: "CKPT_INVALID" }))
})

test("a misspelt retain is refused", () => {
  const options = { backend: new MemoryBackend(), retian: { last: 1 } }
  expect(() => new CkptSaver(options)).toThrow("there is no option retian. Did you mean retain?")
})
