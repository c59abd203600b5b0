// Threads that nobody has written to for a time.
import type { ObjectBackend, ObjectMeta } from "@ckpt/core"
import { MemoryBackend } from "@ckpt/memory"
import { describe, expect, test } from "vitest"
import { CkptSaver, type CkptSaverEvent, type CkptSaverOptions } from "../src/index.js"
import { allStorages } from "./storages.js"
import {
  checkpointOf,
  clockWith,
  cutOff,
  idOfConfig,
  idsOf,
  keysOf,
  large,
  putOn,
  threadOf,
  watched,
} from "./threads.js"

const dayMs = 24 * 60 * 60 * 1000
const month = { idleMs: 30 * dayMs }

/** A storage whose clock, and that of its savers, is set by the test. */
class Days {
  day = 20_000
  readonly events: CkptSaverEvent[] = []
  readonly #now = () => this.day * dayMs
  readonly backend = new MemoryBackend({ now: this.#now })

  open(backend: ObjectBackend = this.backend, options: Partial<CkptSaverOptions> = {}): CkptSaver {
    return new CkptSaver({
      backend,
      clock: clockWith(this.#now),
      onEvent: (event) => this.events.push(event),
      ...options,
    })
  }

  keys(): Promise<string[]> {
    return keysOf(this.backend)
  }
}

/** A thread of some checkpoints, each with a large value and writes. Gives the ids, the latest first. */
async function fill(saver: CkptSaver, thread: string, count = 3): Promise<string[]> {
  const ids: string[] = []
  let config = threadOf(thread)
  for (let step = 0; step < count; step++) {
    config = await putOn(saver, config, checkpointOf({ step, text: large(`${step}`) }))
    await saver.putWrites(config, [["out", step]], "task")
    ids.unshift(idOfConfig(config))
  }
  return ids
}

/** A storage of which a checkpoint is so many days old that was stored now. */
function aged(backend: ObjectBackend, days: number): ObjectBackend {
  return new Proxy(backend, {
    get(target, name) {
      const member = Reflect.get(target, name, target)
      if (typeof member !== "function") return member
      if (name !== "put") return member.bind(target)
      return async (key: string, ...rest: unknown[]) => {
        const meta: ObjectMeta = await member.call(target, key, ...rest)
        return key.includes("/now-") ? { ...meta, lastModified: new Date(Date.now() + days * dayMs) } : meta
      }
    },
  })
}

describe.each(allStorages)("$name", ({ isThere, create }) => {
  test.skipIf(!isThere)("threads that are idle go with all that they have, and others stay", async () => {
    await using place = await create()
    const backend = place.open()
    const options = { prefix: "agents", inlineBytes: 0, clock: clockWith(() => Date.now() - 10 * dayMs) }
    const saver = new CkptSaver({ backend, ...options })
    const names = ["t", "A", "a/b", "😀", "", "x".repeat(5000)]
    for (const name of names) await fill(saver, name, 2)
    const keys = await keysOf(backend)
    expect(await saver.expireThreads({ idleMs: dayMs })).toEqual([])
    expect(await keysOf(backend)).toEqual(keys)
    const open = () => new CkptSaver({ backend: aged(place.open(), 2), ...options, clock: clockWith(Date.now) })
    // Two processes at the same time: either of them may be the one that removes a thread.
    const both = [open(), open()]
    const removed = await Promise.all(both.map((later) => later.expireThreads({ idleMs: dayMs })))
    expect([...new Set(removed.flat())].sort()).toEqual([...names].sort())
    expect(await keysOf(backend)).toEqual([])
    for (const one of [saver, ...both]) await one.close()
  })
})

test("a thread is idle from the last of its writes on, by the storage's clock", async () => {
  const days = new Days()
  await fill(days.open(), "idle")
  const [id] = await fill(days.open(), "writes")
  await fill(days.open(), "value")
  days.day += 25
  await days
    .open()
    .putWrites({ configurable: { thread_id: "writes", checkpoint_ns: "", checkpoint_id: id } }, [["more", 1]], "more")
  await fill(days.open(), "put")
  await days.open().getTuple(threadOf("idle"))
  days.day += 5
  // A process whose own clock is a year ahead.
  const ahead = days.open(days.backend, { clock: clockWith(() => (days.day + 365) * dayMs) })
  expect(await ahead.expireThreads(month)).toEqual(["idle", "value"])
  const left = new Set((await days.keys()).map((key) => key.split("/")[1]))
  expect([...left].sort()).toEqual(["put", "writes"])
  days.day += 25
  expect(await days.open().expireThreads(month)).toEqual(["put", "writes"])
  expect(await days.keys()).toEqual([])
})

test("large values go from the fourth day after they were stored, by a later call if need be", async () => {
  const days = new Days()
  await fill(days.open(), "t")
  const values = (await days.keys()).filter((key) => key.startsWith("v/"))
  days.day += 1
  expect(await days.open().expireThreads({ idleMs: 60_000 })).toEqual(["t"])
  expect(await days.open().getTuple(threadOf("t"))).toBeUndefined()
  expect(await days.keys()).toEqual(values)
  days.day += 2
  expect(await days.open().expireThreads({ idleMs: 60_000 })).toEqual([])
  expect(await days.keys()).toEqual(values)
  days.day += 1
  expect(await days.open().expireThreads({ idleMs: 60_000 })).toEqual([])
  expect(await days.keys()).toEqual([])
})

test("what is left of a thread goes when it is idle, and what a thread that lives has stays", async () => {
  const days = new Days()
  await fill(days.open(), "values")
  await fill(days.open(), "writes")
  for (const key of await days.keys())
    if (key.startsWith("c/values/") || /^c\/writes\/.*c$/.test(key)) await days.backend.delete([key])
  await fill(days.open(), "lives", 2)
  days.day += 10
  await fill(days.open(), "lives", 1)
  const living = (await days.keys()).filter((key) => key.includes("/lives/"))
  days.day += 25
  expect(await days.open().expireThreads(month)).toEqual([])
  expect(await days.keys()).toEqual(living)
  expect(await idsOf(days.open(), threadOf("lives"))).toHaveLength(3)
})

test("a damaged thread goes too; what somebody else has there stays", async () => {
  const days = new Days()
  const long = "x".repeat(5000)
  await fill(days.open(), "t")
  await fill(days.open(), long)
  for (const key of await days.keys()) await days.backend.put(key, [Buffer.from("damaged")])
  const foreign = ["c/t/readme.txt", "v/t/readme.txt", "c/readme.txt"]
  for (const key of foreign) await days.backend.put(key, [Buffer.from("of somebody else")])
  days.day += 40
  expect(await days.open().expireThreads(month)).toEqual(["t"])
  expect(await days.keys()).toEqual(foreign.sort())
})

test("nothing goes that seems many years old: then a clock was wrong", async () => {
  const days = new Days()
  await fill(days.open(), "t")
  days.day += 10 * 365
  expect(await days.open().expireThreads(month)).toEqual([])
  expect(await idsOf(days.open(), threadOf("t"))).toHaveLength(3)
})

test("a run that comes back before any of its requests: what it stores is whole, and the latest", async () => {
  const lengths = new Set<number>()
  for (let at = 0; ; at++) {
    const days = new Days()
    const ids = await fill(days.open(), "t")
    days.day += 40
    const other = days.open()
    const latest = await other.getTuple(threadOf("t"))
    let left = at
    let stored: Promise<string> | undefined
    const beside = watched(days.backend, () => {
      if (left-- !== 0) return undefined
      const value = checkpointOf({ step: 3, text: large("3"), same: large("2") })
      stored = putOn(other, latest?.config ?? {}, value).then(idOfConfig)
      return stored
    })
    const gone = await days.open(beside).expireThreads(month)
    if (stored === undefined) {
      expect(gone).toEqual(["t"])
      expect(await days.keys()).toEqual([])
      break
    }
    const found = await idsOf(days.open(), threadOf("t"))
    expect(days.events).toEqual([])
    expect(found[0]).toBe(await stored)
    if (gone.length === 0) expect(found[1]).toBe(ids[0])
    lengths.add(found.length)
  }
  // It came before the first look, between the two looks, and behind both.
  expect([...lengths].sort()).toEqual([1, 2, 4])
})

test("a put that a whole call comes in between, before any of its requests, is whole, however short the time is", async () => {
  for (let at = 0; ; at++) {
    const days = new Days()
    const seen = days.open()
    await fill(seen, "t")
    days.day += 0.5
    let left = at
    let gone: Promise<string[]> | undefined
    const other = days.open(
      watched(days.backend, () => {
        if (left-- !== 0) return undefined
        gone = days.open().expireThreads({ idleMs: 60_000 })
        return gone
      }),
    )
    const config = (await seen.getTuple(threadOf("t")))?.config ?? {}
    await idsOf(other, threadOf("t"))
    const stored = await putOn(other, config, checkpointOf({ text: large("2"), same: large("1") }))
    expect((await idsOf(days.open(), threadOf("t")))[0]).toBe(idOfConfig(stored))
    expect(days.events).toEqual([])
    if (gone === undefined) return
    await gone
  }
})

test("cut off before any of its requests, the latest is there until the others are gone, and the next call goes on", async () => {
  for (let allowed = 0; ; allowed++) {
    const days = new Days()
    const ids = await fill(days.open(), "t")
    days.day += 40
    const cut = cutOff(days.backend, allowed)
    const outcome = await days
      .open(cut, { retry: { attempts: 1 } })
      .expireThreads(month)
      .catch((error) => error)
    const found = await idsOf(days.open(), threadOf("t"))
    if (found.length > 0) expect(found[0]).toBe(ids[0])
    expect(days.events).toEqual([])
    days.day += 40
    await days.open().expireThreads(month)
    expect((await days.keys()).filter((key) => !key.includes("/now-"))).toEqual([])
    if (!(outcome instanceof Error)) {
      expect(allowed).toBe(6)
      return
    }
  }
})

test("10,000 threads take a LIST for each 10,000 names here, and nothing else but for those that go", async () => {
  const days = new Days()
  const filler = days.open()
  const put = (from: number, to: number, values = {}) =>
    Promise.all(
      Array.from({ length: to - from }, (_, at) => putOn(filler, threadOf(`t${from + at}`), checkpointOf(values))),
    )
  await put(0, 11, { text: large("text") })
  days.day += 40
  for (let at = 10; at < 10_000; at += 1000) await put(at, Math.min(at + 1000, 10_000))
  const counts: Record<string, number> = { put: 0, get: 0, head: 0, list: 0, delete: 0 }
  const saver = days.open(
    watched(days.backend, (call, key) => {
      if (counts[call] !== undefined && !key.includes(".ckpt-probe")) counts[call]++
    }),
  )
  expect(await saver.expireThreads(month)).toHaveLength(10)
  // The storage's time: a PUT and a delete. Names of values: one LIST, of checkpoints: two. Each thread: two LISTs and two deletes.
  expect(counts).toEqual({ put: 1, get: 0, head: 0, list: 3 + 10 * 2, delete: 1 + 10 * 2 })
})

test.each([
  [undefined, "idleMs is missing; give { idleMs: 30 * 24 * 60 * 60 * 1000 }, for 30 days."],
  [null, "the options are null; give { idleMs"],
  [{}, "idleMs is missing; give"],
  [{ idleMs: undefined }, "idleMs is missing; give"],
  [{ idleMs: 0 }, "idleMs is the number 0; give whole milliseconds from 1"],
  [{ idleMs: "30d" }, "idleMs is"],
  [{ idelMs: 1 }, "Did you mean idleMs?"],
  [3600, "the options are the number 3600"],
  ["t", "the options are"],
])("the options %j are refused", async (options, message) => {
  const refused = new Days().open().expireThreads(options as never)
  await expect(refused).rejects.toMatchObject({ code: "CKPT_INVALID", message: expect.stringContaining(message) })
})
