import { BackendError, type Body, type ObjectBackend, type ObjectContent } from "@ckpt/core"
import { expect, test } from "vitest"
import { Activity } from "../src/harness/activity.js"
import { gate, settled } from "../src/index.js"

const meta = { key: "k", size: 2, version: "1", lastModified: new Date(0) }

/** A storage whose answers wait for a door. */
function behind(door: Promise<void>, content?: ObjectContent): ObjectBackend {
  return {
    name: "slow",
    capabilities: { compareAndSwap: "storage", maxDeleteBatch: 1 },
    async put(_key: string, body: Body) {
      for await (const _ of body);
      await door
      return meta
    },
    async get() {
      await door
      return content
    },
    async head() {
      await door
      throw new BackendError("transient", "503")
    },
    async *list() {
      await door
      yield meta
    },
    delete: async () => [],
    now: async () => new Date(0),
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Tells whether the promise is settled. */
function watch(promise: Promise<unknown>): () => boolean {
  let come = false
  promise.then(
    () => (come = true),
    () => (come = true),
  )
  return () => come
}

test("settled waits for every answer, also of a failure or a listing, and for its consequences", async () => {
  for (const call of ["head", "get", "list"] as const) {
    const door = gate()
    const activity = new Activity()
    const backend = activity.track(behind(door.passed))
    const log: string[] = []
    const calling = (call === "list" ? backend.list("")[Symbol.asyncIterator]().next() : backend[call]("k")).then(
      () => log.push("answer"),
      () => log.push("failure"),
    )
    const waiting = activity.settled().then(() => log.push("settled"))
    await settled()
    expect(log).toEqual([])
    door.open()
    await Promise.all([calling, waiting])
    expect(log).toEqual([call === "head" ? "failure" : "answer", "settled"])
  }
})

test("settled does not wait for the caller's source that a put reads", async () => {
  const source = gate()
  const door = gate()
  const activity = new Activity()
  const put = activity.track(behind(door.passed)).put(
    "k",
    (async function* () {
      yield new Uint8Array(1)
      await source.passed
    })(),
  )
  await activity.settled()
  source.open()
  const waiting = watch(activity.settled())
  await settled()
  expect(waiting()).toBe(false)
  door.open()
  expect(await put).toBe(meta)
  await activity.settled()
  expect(waiting()).toBe(true)
})

test("finished waits until a body is read to its end, is closed, or fails", async () => {
  const bodies = [
    async function* () {
      yield new Uint8Array(1)
    },
    async function* () {
      yield new Uint8Array(1)
      throw new Error("reset")
    },
  ]
  for (const body of bodies) {
    for (const leaves of [true, false]) {
      const activity = new Activity()
      const content = await activity.track(behind(Promise.resolve(), { meta, body: body() })).get("k")
      const iterator = content?.body[Symbol.asyncIterator]()
      await iterator?.next()
      const finished = watch(activity.finished(5))
      // Nobody asks for another chunk: the storage has nothing to do.
      await activity.settled()
      expect(finished()).toBe(false)
      if (leaves) await iterator?.return?.()
      else await iterator?.next().catch(() => {})
      await activity.finished(5)
      await settled()
      expect(finished()).toBe(true)
    }
  }
})
