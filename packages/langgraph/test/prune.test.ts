import type { ObjectBackend } from "@ckpt/core"
import { MemoryBackend } from "@ckpt/memory"
import { DeltaSnapshot } from "@langchain/langgraph-checkpoint"
import { expect, test } from "vitest"
import { CkptSaver, type CkptSaverEvent } from "../src/index.js"
import {
  chat,
  checkpointOf,
  clockWith,
  cutOff,
  doubting,
  idOfConfig,
  idsOf,
  keysOf,
  large,
  loop,
  putOn,
  threadOf,
  watched,
} from "./threads.js"

const dayMs = 24 * 60 * 60 * 1000
const thread = threadOf("t")

/** A storage whose clock, and that of its savers, is set by the test. */
class Days {
  day = 20_000
  readonly events: CkptSaverEvent[] = []
  readonly backend = new MemoryBackend({ now: () => this.#now() })

  #now(): number {
    return this.day * dayMs
  }

  open(backend: ObjectBackend = this.backend, options = {}): CkptSaver {
    const clock = clockWith(() => this.#now())
    return new CkptSaver({ backend, clock, onEvent: (event) => this.events.push(event), ...options })
  }

  /** The keys of the values. */
  async values(): Promise<string[]> {
    return (await keysOf(this.backend)).filter((key) => key.startsWith("v/"))
  }

  /** Every checkpoint verifies. */
  async areWhole(): Promise<string[]> {
    const ids = await idsOf(this.open(), { configurable: { thread_id: "t" } })
    expect(this.events).toEqual([])
    return ids
  }
}

/** A thread with a checkpoint a day, each with writes and a value of its own. Gives the ids, the latest first. */
async function history(days: Days, length: number): Promise<string[]> {
  const ids: string[] = []
  let config = thread
  for (let step = 0; step < length; step++) {
    const saver = days.open()
    config = await putOn(saver, config, checkpointOf({ step, text: large(`${step}`), same: large("same") }))
    await saver.putWrites(config, [["out", step]], "task")
    ids.unshift(idOfConfig(config))
    days.day++
  }
  return ids
}

test("none goes because of a checkpoint that a crash may still undo", async () => {
  const days = new Days()
  const ids = await history(days, 3)
  const latest = (await keysOf(days.backend)).find((key) => key.startsWith("c/") && key.endsWith(".c"))
  let isInDoubt = true
  const backend = doubting(days.backend, (key) => isInDoubt && key === latest)
  const saver = days.open(backend)
  expect(await saver.pruneThread("t", { last: 1 })).toMatchObject({ removed: [ids[2]] })
  expect(await days.areWhole()).toEqual([ids[0], ids[1]])
  isInDoubt = false
  expect(await saver.pruneThread("t", { last: 1 })).toMatchObject({ removed: [ids[1]] })
})

test("the latest stay, and those that are named", async () => {
  const days = new Days()
  const ids = await history(days, 6)
  const { removed } = await days.open().pruneThread("t", { last: 2, keep: [ids[4] ?? ""] })
  expect(removed).toEqual([ids[2], ids[3], ids[5]])
  expect(await days.areWhole()).toEqual([ids[0], ids[1], ids[4]])
  const writes = (await keysOf(days.backend)).filter((key) => key.includes(".w."))
  expect(writes).toHaveLength(3)
  expect((await days.open().getTuple(thread))?.pendingWrites).toEqual([["task", "out", 5]])
})

test("those that are young stay by the storage's clock, and the latest in any case", async () => {
  const days = new Days()
  const ids = await history(days, 6)
  expect((await days.open().pruneThread("t", { withinMs: 3.5 * dayMs })).removed).toEqual(ids.slice(3))
  days.day += 100
  expect((await days.open().pruneThread("t", { withinMs: 1 })).removed).toEqual(ids.slice(1, 3))
  expect(await days.areWhole()).toEqual([ids[0]])
})

test("values go three whole days after their day, if no checkpoint names them", async () => {
  const days = new Days()
  const ids = await history(days, 6)
  // Each day has two values: one of its own, and one that is the same each day.
  expect(await days.values()).toHaveLength(12)
  expect(await days.open().pruneThread("t", { last: 1 })).toEqual({ removed: ids.slice(1), left: 1, pieces: 6 })
  expect((await days.values()).map((key) => key.split("/")[2])).toEqual([
    "020003",
    "020003",
    "020004",
    "020004",
    "020005",
    "020005",
  ])
  days.day += 100
  expect(await days.open().pruneThread("t", { last: 1 })).toEqual({ removed: [], left: 1, pieces: 4 })
  expect(await days.areWhole()).toEqual([ids[0]])
  expect(await days.open().pruneThread("t", { last: 1 })).toEqual({ removed: [], left: 1, pieces: 0 })
})

test("of a history that grows, the pieces stay that a checkpoint names which stays", async () => {
  const days = new Days()
  const ids: string[] = []
  const saver = days.open()
  let config = thread
  for (const values of chat(60)) {
    config = await putOn(saver, config, checkpointOf(values))
    ids.unshift(idOfConfig(config))
  }
  const all = await days.values()
  days.day += 100
  const rules = { last: 1, keep: [ids[60] ?? "", ids[100] ?? ""] }
  const { removed, pieces } = await days.open().pruneThread("t", rules)
  expect(removed).toHaveLength(177)
  const left = await days.values()
  expect([left.length + pieces, pieces > 0, left.length > 5]).toEqual([all.length, true, true])
  expect(await days.areWhole()).toEqual([ids[0], ids[60], ids[100]])
  // A storage that never had more than these has the same pieces.
  const alone = new Days()
  const steps = [...chat(60)]
  for (const at of [179, 119, 79]) await putOn(alone.open(), thread, checkpointOf(steps[at] ?? {}))
  const hashes = (keys: string[]) => keys.map((key) => key.split("/")[3])
  expect(hashes(left)).toEqual(hashes(await alone.values()))
})

test("checkpoints of a subgraph go with the graph's; the latest of a subgraph with a memory stays", async () => {
  const days = new Days()
  const saver = days.open()
  let root = thread
  const ids: Record<string, string[]> = { "": [], "once:1|in": [], memory: [] }
  for (let step = 0; step < 3; step++) {
    root = await putOn(saver, root, checkpointOf({ step }))
    ids[""]?.unshift(idOfConfig(root))
    const metadata = { ...loop, parents: { "": idOfConfig(root) } }
    for (const [namespace, last] of [
      ["once:1|in", 2],
      ["memory", 1],
    ] as const) {
      if (step > last) continue
      const config = await putOn(saver, threadOf("t", namespace), checkpointOf({ step }), metadata)
      ids[namespace]?.unshift(idOfConfig(config))
    }
  }
  await saver.pruneThread("t", { last: 1 })
  const left = async (namespace: string) => idsOf(saver, threadOf("t", namespace))
  expect(await left("")).toEqual([ids[""]?.[0]])
  expect(await left("once:1|in")).toEqual([ids["once:1|in"]?.[0]])
  expect(await left("memory")).toEqual([ids["memory"]?.[0]])
})

test("a subgraph's checkpoint whose graph has not stored its own yet stays, and goes when it is old", async () => {
  const days = new Days()
  const saver = days.open()
  await putOn(saver, thread, checkpointOf({ step: 0 }))
  await putOn(saver, threadOf("t", "once:1"), checkpointOf({}), { ...loop, parents: { "": "on its way" } })
  expect((await saver.pruneThread("t", { last: 1 })).removed).toEqual([])
  days.day += 4
  expect((await saver.pruneThread("t", { last: 1 })).removed).toHaveLength(1)
})

test("what the value of a DeltaChannel is made from stays", async () => {
  const days = new Days()
  const saver = days.open()
  let config = thread
  for (let step = 0; step < 6; step++) {
    const counters = step % 3 === 0 ? undefined : { counters_since_delta_snapshot: { messages: [step % 3, step % 3] } }
    const values = step % 3 === 0 ? { messages: new DeltaSnapshot([`snapshot ${step}`]) } : {}
    config = await putOn(saver, config, checkpointOf(values), { ...loop, ...counters } as typeof loop)
    await saver.putWrites(config, [["messages", [step]]], `task-${step}`)
  }
  const before = await saver.getDeltaChannelHistory({ config, channels: ["messages"] })
  expect(before["messages"]?.writes).toHaveLength(2)
  expect((await saver.pruneThread("t", { last: 1 })).removed).toHaveLength(3)
  expect(await days.open().getDeltaChannelHistory({ config, channels: ["messages"] })).toEqual(before)
})

test("checkpoints of a subgraph stay with an ancestor that stays", async () => {
  const days = new Days()
  const saver = days.open()
  const delta = { ...loop, counters_since_delta_snapshot: { messages: [1, 1] } } as typeof loop
  const root = await putOn(saver, thread, checkpointOf({ step: 0 }))
  const inside = { ...loop, parents: { "": idOfConfig(root) } }
  await putOn(saver, threadOf("t", "once:1"), checkpointOf({}), inside)
  await putOn(saver, root, checkpointOf({ step: 1 }), delta)
  expect((await saver.pruneThread("t", { last: 1 })).removed).toEqual([])
})

test("checkpoints of a subgraph stay with a damaged checkpoint, which stays", async () => {
  const days = new Days()
  const saver = days.open()
  const root = await putOn(saver, thread, checkpointOf({ step: 0 }))
  const [key = ""] = await keysOf(days.backend)
  await putOn(saver, threadOf("t", "once:1"), checkpointOf({}), { ...loop, parents: { "": idOfConfig(root) } })
  days.day += 100
  await days.backend.put(key, [Buffer.from("damaged")])
  expect((await saver.pruneThread("t", { last: 1 })).removed).toEqual([])
})

test("a checkpoint goes before the parent that it needs, also if its id is the lesser", async () => {
  const days = new Days()
  const delta = { ...loop, counters_since_delta_snapshot: { messages: [1, 1] } } as typeof loop
  const root = await putOn(days.open(), thread, checkpointOf({}, { id: "b" }), delta)
  await putOn(days.open(), root, checkpointOf({}, { id: "a" }), delta)
  await putOn(days.open(), thread, checkpointOf({}, { id: "c" }))
  const there: string[][] = []
  const beside = watched(days.backend, async (call) => {
    if (call === "delete") there.push(await idsOf(days.open(), thread))
  })
  expect((await days.open(beside).pruneThread("t", { last: 1 })).removed).toEqual(["b", "a"])
  expect(there).toContainEqual(["c", "b"])
  expect(there).not.toContainEqual(["c", "a"])
})

test("writes without a checkpoint go when they are old", async () => {
  const days = new Days()
  const saver = days.open()
  const [id = ""] = await history(days, 1)
  await saver.putWrites({ configurable: { thread_id: "t", checkpoint_id: `${id}!` } }, [["out", 1]], "task")
  const count = async () => (await keysOf(days.backend)).filter((key) => key.includes(".w.")).length
  await saver.pruneThread("t", { last: 1 })
  expect(await count()).toBe(2)
  days.day += 4
  await saver.pruneThread("t", { last: 1 })
  expect(await count()).toBe(1)
})

test.each([/\.c$/, /^v\//])(
  "what is damaged (%s) fills no place, and no value goes while it is there",
  async (damaged) => {
    const days = new Days()
    const ids = await history(days, 4)
    days.day += 100
    const all = await keysOf(days.backend)
    // The latest checkpoint is the first name, and its values are the last.
    const key = all.filter((each) => damaged.test(each)).at(String(damaged).includes("v") ? -1 : 0) ?? ""
    await days.backend.put(key, [Buffer.from("damaged")])
    expect(await days.open().pruneThread("t", { last: 1 })).toEqual({ removed: ids.slice(2), left: 2, pieces: 0 })
    expect(days.events).toMatchObject([{ type: "damaged", threadId: "t", checkpointId: ids[0] }])
    expect((await days.open().getTuple(thread))?.config.configurable).toMatchObject({ checkpoint_id: ids[1] })
  },
)

test("another process stores checkpoints before any of its requests: all are whole, and the latest stays", async () => {
  for (let at = 0; ; at++) {
    const days = new Days()
    const ids = await history(days, 5)
    days.day += 100
    const other = days.open()
    // It has read all of the thread, and knows its values.
    await idsOf(other, thread)
    let left = at
    const puts: Promise<unknown>[] = []
    const beside = watched(days.backend, () => {
      if (left-- !== 0) return
      for (const parent of [ids[0], ids[4]]) {
        const config = { configurable: { thread_id: "t", checkpoint_ns: "", checkpoint_id: parent } }
        puts.push(putOn(other, config, checkpointOf({ text: large("4"), same: large("same"), more: large("0") })))
      }
    })
    await days.open(beside).pruneThread("t", { last: 1 })
    if (puts.length === 0) {
      expect(at).toBeGreaterThan(15)
      return
    }
    // The first of them may have gone for the second.
    const [, latest] = (await Promise.all(puts)).map((config) => idOfConfig(config as typeof thread))
    expect(await days.areWhole()).toContain(latest)
    await days.open().pruneThread("t", { last: 5 })
    expect(await days.areWhole()).toContain(latest)
  }
})

test("a put that a whole prune comes in between, before any of its requests, is whole, also if it lasts over midnight", async () => {
  for (let at = 0; ; at++) {
    const days = new Days()
    const ids = await history(days, 4)
    days.day += 100
    let left = at
    let pruned: Promise<unknown> | undefined
    const other = days.open(
      watched(days.backend, () => {
        if (left-- !== 0) return undefined
        days.day++
        pruned = days.open().pruneThread("t", { last: 1 })
        return pruned
      }),
    )
    const config = { configurable: { thread_id: "t", checkpoint_ns: "", checkpoint_id: ids[0] } }
    const stored = await putOn(other, config, checkpointOf({ text: large("0"), same: large("same") }))
    await pruned
    expect(await days.areWhole()).toContain(idOfConfig(stored))
    if (pruned === undefined) return
  }
})

test("a put that lasts for days names values of the day on which it ends", async () => {
  const days = new Days()
  let left = 1
  const slow = watched(days.backend, (call, key) => {
    if (call === "put" && key.startsWith("v/") && left-- > 0) days.day += 10
  })
  await putOn(days.open(slow), thread, checkpointOf({ text: large("text") }))
  expect((await days.values()).map((key) => key.split("/")[2])).toEqual(["020000", "020010"])
  await days.open().pruneThread("t", { last: 1 })
  expect(await days.values()).toHaveLength(1)
  expect(await days.areWhole()).toHaveLength(1)
})

test("cut off before any of its requests, what is left is whole, and the next call goes on", async () => {
  for (let allowed = 0; ; allowed++) {
    const days = new Days()
    const ids = await history(days, 5)
    days.day += 100
    const cut = cutOff(days.backend, allowed)
    const outcome = await days
      .open(cut, { retry: { attempts: 1 } })
      .pruneThread("t", { last: 2 })
      .catch((error) => error)
    expect((await days.areWhole()).slice(0, 2)).toEqual(ids.slice(0, 2))
    days.day += 100
    await days.open().pruneThread("t", { last: 2 })
    expect(await days.areWhole()).toEqual(ids.slice(0, 2))
    const keys = await keysOf(days.backend)
    expect(keys.filter((key) => key.startsWith("c/"))).toHaveLength(4)
    expect(keys.filter((key) => key.startsWith("v/"))).toHaveLength(4)
    if (!(outcome instanceof Error)) {
      expect(allowed).toBe(5)
      return
    }
  }
})

test.each([undefined, {}, { last: 0 }, { lats: 1 }, { keep: "id" }])("the rules %j are refused", async (rules) => {
  const refused = new Days().open().pruneThread("t", rules as never)
  await expect(refused).rejects.toMatchObject({ code: "CKPT_INVALID" })
})

test.each([undefined, 1, { configurable: { thread_id: "t" } }])("the id of a thread %j is refused", async (id) => {
  const saver = new Days().open()
  const refusal = {
    code: "CKPT_INVALID",
    message: expect.stringMatching(/^\w+Thread: the id of a thread is .*; give a string\.$/),
  }
  await expect(saver.deleteThread(id as never)).rejects.toMatchObject(refusal)
  await expect(saver.pruneThread(id as never, { last: 1 })).rejects.toMatchObject(refusal)
  await expect(saver.copyThread(id as never, "copy")).rejects.toMatchObject(refusal)
  await expect(saver.copyThread("t", id as never)).rejects.toMatchObject(refusal)
})

test("a saver whose prefix lies below another's pieces keeps its checkpoints, whatever the other removes", async () => {
  let now = 20_000 * 24 * 60 * 60 * 1000
  const backend = new MemoryBackend({ now: () => now })
  const open = (prefix = "") => new CkptSaver({ backend, prefix, clock: clockWith(() => now) })
  const places = ["v/", "v/c/5/"].flatMap((prefix) => ["c", "5"].map((thread) => [prefix, thread] as const))
  for (const [prefix, thread] of [["", "c"], ...places] as const)
    await putOn(open(prefix), threadOf(thread), checkpointOf({ text: large(`below ${prefix}`) }))
  now += 50 * 24 * 60 * 60 * 1000
  await open().pruneThread("c", { last: 1 })
  await open().expireThreads({ idleMs: 1000 })
  await open().deleteThread("c")
  for (const [prefix, thread] of places) {
    const tuple = await open(prefix).getTuple(threadOf(thread))
    expect(tuple?.checkpoint.channel_values, `${prefix} ${thread}`).toEqual({ text: large(`below ${prefix}`) })
  }
})
