// What the README says of requests, counted.
import { MemoryBackend } from "@ckpt/memory"
import { RESUME } from "@langchain/langgraph-checkpoint"
import { expect, test } from "vitest"
import { CkptSaver } from "../src/index.js"
import { chat, checkpointOf, idsOf, keysOf, large, putOn, text, threadOf, watched } from "./threads.js"

/** A saver that has made its first write, on a storage that is shared, and the requests that it makes from then on. */
async function counting(backend = new MemoryBackend()) {
  const calls: string[] = []
  const watching = watched(backend, (call) => {
    if (typeof call === "string" && ["put", "get", "head", "list", "delete"].includes(call)) calls.push(call)
  })
  const saver = new CkptSaver({ backend: watching })
  await putOn(saver, threadOf("first"), checkpointOf({}))
  calls.length = 0
  return { backend, saver, requests: () => calls.splice(0).sort().join(" ") }
}

test("a step is one PUT, one more for each new piece of a large value, and one HEAD for all other pieces", async () => {
  const { saver, requests } = await counting()
  const first = await putOn(saver, threadOf("t"), checkpointOf({ step: 1, note: "small" }))
  expect(requests()).toBe("put")
  const second = await putOn(saver, first, checkpointOf({ step: 2, messages: large("a"), notes: large("b") }))
  expect(requests()).toBe("put put put")
  const third = await putOn(saver, second, checkpointOf({ step: 3, messages: large("aa!"), notes: large("b") }))
  expect(requests()).toBe("head put put")
  const files = { a: text(1, 400), b: text(2, 400) }
  const fourth = await putOn(saver, third, checkpointOf({ messages: large("aa!"), notes: large("b"), files }))
  expect(requests()).toMatch(/^head( put){20,30}$/)
  await putOn(saver, fourth, checkpointOf({ messages: large("aa!"), notes: large("b"), files }))
  expect(requests()).toBe("head put")
})

test("a chat of 200 turns: each piece is written once, and a step is one HEAD and one PUT, and every eleventh one more", async () => {
  const { backend, saver, requests } = await counting()
  let config = threadOf("t")
  let [heads, puts] = [0, 0]
  let step = 0
  for (const values of chat(200)) {
    config = await putOn(saver, config, checkpointOf(values, { version: step++ }))
    const made = requests().split(" ")
    heads += made.filter((call) => call === "head").length
    puts += made.filter((call) => call === "put").length
    expect(made.length).toBe(made.filter((call) => call === "head" || call === "put").length)
  }
  let [pieces, bytes] = [0, 0]
  for await (const { key, size } of backend.list("")) {
    bytes += size
    if (key.startsWith("v/t/")) pieces++
  }
  expect({ heads, puts: puts - pieces, pieces }).toEqual({ heads: 575, puts: 600, pieces: 53 })
  // The history as a whole in each step would be 117 MiB.
  expect(bytes / 1024 ** 2).toBeCloseTo(4.16, 2)
  const other = await counting(backend)
  const found = await other.saver.getTuple(threadOf("t"))
  expect(found?.checkpoint.channel_values["messages"]).toHaveLength(400)
  expect(other.requests()).toMatch(/^(get ){17,25}list$/)
})

test("the writes of a task are one PUT, and five requests if the task has written before", async () => {
  const { saver, requests } = await counting()
  const config = await putOn(saver, threadOf("t"), checkpointOf({}))
  requests()
  await saver.putWrites(
    config,
    [
      ["a", 1],
      ["b", 2],
    ],
    "task",
  )
  expect(requests()).toBe("put")
  await saver.putWrites(
    config,
    [
      ["c", 1],
      ["d", 2],
      ["e", 3],
    ],
    "task",
  )
  // The PUT is refused, and what is there is read; then the task's objects are listed and read, and the rest is stored.
  expect(requests()).toBe("get get list put put")
})

test("a task whose objects have a gap, since the storage has lost one of them, writes behind the last", async () => {
  const backend = new MemoryBackend()
  let requests = 0
  const refused = watched(backend, () => {
    if (++requests > 50) throw new Error("there is no end")
  })
  const saver = new CkptSaver({ backend: refused, retry: { attempts: 1 } })
  const config = await putOn(saver, threadOf("t"), checkpointOf({}))
  for (const answer of [1, 2, 3]) await saver.putWrites(config, [[RESUME, answer]], "task")
  await backend.delete((await keysOf(backend)).filter((key) => key.endsWith(".000001")))
  requests = 0
  await saver.putWrites(config, [[RESUME, 4]], "task")
  expect(requests).toBe(6)
  expect((await saver.getTuple(config))?.pendingWrites).toEqual([["task", RESUME, 4]])
})

test("the latest checkpoint is one LIST, one GET, and one more for each task's writes and each piece of a large value", async () => {
  const { backend, saver } = await counting()
  let config = await putOn(saver, threadOf("t"), checkpointOf({ step: 0 }))
  for (let step = 1; step < 200; step++) {
    config = await putOn(saver, config, checkpointOf({ step, messages: large("a"), notes: large("b") }))
    await saver.putWrites(config, [["out", step]], "a")
    await saver.putWrites(config, [["out", step]], "b")
  }
  const other = await counting(backend)
  expect((await other.saver.getTuple(threadOf("t")))?.config).toEqual(config)
  expect(other.requests()).toBe("get get get get get list")
  expect((await other.saver.getTuple(config))?.config).toEqual(config)
  expect(other.requests()).toBe("get get get get get list")
})

test("the latest checkpoint reads no more than 20 names of a long thread", async () => {
  const backend = new MemoryBackend()
  const saver = new CkptSaver({ backend })
  for (let step = 0; step < 100; step++) await putOn(saver, threadOf("t"), checkpointOf({ step }))
  const limits: unknown[] = []
  const list = backend.list.bind(backend)
  backend.list = (prefix, options) => {
    limits.push(options?.limit)
    return list(prefix, options)
  }
  expect((await saver.getTuple(threadOf("t")))?.checkpoint.channel_values).toEqual({ step: 99 })
  expect(limits).toEqual([20])
})

test("a list with a limit reads no more checkpoints than it gives", async () => {
  const { saver, requests } = await counting()
  let config = threadOf("t")
  for (let step = 0; step < 10; step++) config = await putOn(saver, config, checkpointOf({ step }))
  requests()
  let count = 0
  for await (const _ of saver.list(threadOf("t"), { limit: 3 })) count++
  expect(count).toBe(3)
  expect(requests()).toBe("get get get list")
  expect(await idsOf(saver, threadOf("t"))).toHaveLength(10)
})

test("a thread is deleted by three LISTs, and one request for each 1,000 checkpoints, writes and pieces", async () => {
  const { saver, requests } = await counting()
  let config = threadOf("t")
  for (let step = 0; step < 5; step++) {
    config = await putOn(saver, config, checkpointOf({ text: large(`${step}`) }))
    await saver.putWrites(config, [["out", step]], "task")
  }
  requests()
  await saver.deleteThread("t")
  // The latest checkpoint goes for itself.
  expect(requests()).toBe("delete delete delete delete list list list")
  await saver.deleteThread("t")
  expect(requests()).toBe("list list list")
})

test("a list reads a piece once for all checkpoints in a row that have it", async () => {
  const { backend, saver, requests } = await counting()
  let config = threadOf("t")
  for (const values of chat(40)) config = await putOn(saver, config, checkpointOf(values))
  const pieces = (await keysOf(backend)).filter((key) => key.startsWith("v/t/"))
  requests()
  expect(await idsOf(saver, threadOf("t"))).toHaveLength(120)
  expect(requests()).toBe(`${"get ".repeat(120 + pieces.length)}list list`)
})

test("a copy reads and writes each piece once, and looks for the pieces that it has by one HEAD for each checkpoint", async () => {
  const { backend, saver, requests } = await counting()
  let config = threadOf("t")
  for (const values of chat(40)) config = await putOn(saver, config, checkpointOf(values))
  const pieces = (await keysOf(backend)).filter((key) => key.startsWith("v/t/"))
  requests()
  await saver.copyThread("t", "copy")
  const made = requests().split(" ")
  const count = (call: string) => made.filter((each) => each === call).length
  expect(pieces.length).toBeGreaterThan(10)
  expect([count("get"), count("put")]).toEqual([120 + pieces.length, 120 + pieces.length])
  expect(count("head")).toBeLessThan(120)
  expect((await keysOf(backend)).filter((key) => key.startsWith("v/copy/"))).toHaveLength(pieces.length)
})

test("a copy is one LIST, and a GET and a PUT for each object; a prune reads each checkpoint, and the latest whole", async () => {
  const { saver, requests } = await counting()
  let config = threadOf("t")
  for (let step = 0; step < 3; step++) {
    config = await putOn(saver, config, checkpointOf({ text: large(`${step}`) }))
    await saver.putWrites(config, [["out", step]], "task")
  }
  requests()
  await saver.copyThread("t", "copy")
  expect(requests()).toBe(`${"get ".repeat(9)}list${" put".repeat(9)}`)
  await saver.pruneThread("copy", { last: 1 })
  // The storage's time: a PUT and a delete. Checkpoints and writes: a delete each. No piece is old enough to go.
  expect(requests()).toBe(`delete delete delete ${"get ".repeat(6)}list list put`)
})
