// A whole prune comes in between, before any request of a reader: a checkpoint is read as a whole, with its writes, or not at all.
import { MemoryBackend } from "@ckpt/memory"
import type { CheckpointTuple } from "@langchain/langgraph-checkpoint"
import { expect, test } from "vitest"
import { CkptSaver, type CkptSaverEvent } from "../src/index.js"
import { checkpointOf, clockWith, idOfConfig, keysOf, large, putOn, threadOf, watched, withId } from "./threads.js"

const dayMs = 24 * 60 * 60 * 1000

type Read = (saver: CkptSaver, ids: readonly string[], backend: MemoryBackend) => Promise<CheckpointTuple[]>

async function prunedBeside(read: Read): Promise<void> {
  // Values that lie in the checkpoint stay with it, and values of their own may go.
  for (const textOf of [String, (step: number) => large(`${step}`)]) await prunedBesideEach(textOf, read)
}

/** A thread of three checkpoints, of which each has writes, old enough for their values to go. */
async function prunedBesideEach(textOf: (step: number) => string, read: Read): Promise<void> {
  for (let at = 0; ; at++) {
    let day = 20_000
    const now = () => day * dayMs
    const backend = new MemoryBackend({ now })
    const clock = clockWith(now)
    const events: CkptSaverEvent[] = []
    const open = (on = backend) => new CkptSaver({ backend: on, clock, onEvent: (event) => events.push(event) })
    const ids: string[] = []
    let config = threadOf("t")
    for (let step = 0; step < 3; step++) {
      config = await putOn(open(), config, checkpointOf({ text: textOf(step) }))
      for (const task of ["x", "y"]) await open().putWrites(config, [["out", step]], task)
      ids.unshift(idOfConfig(config))
    }
    day += 100
    let left = at
    let wasPruned = false
    const beside = watched(backend, () => {
      if (left-- !== 0) return undefined
      wasPruned = true
      return open().pruneThread("t", { last: 1 })
    })
    for (const { checkpoint, pendingWrites } of await read(open(beside as MemoryBackend), ids, backend)) {
      const step = 2 - ids.indexOf(checkpoint.id)
      expect(checkpoint.channel_values, `pruned before request ${at}`).toEqual({ text: textOf(step) })
      expect(pendingWrites, `pruned before request ${at}`).toEqual([
        ["x", "out", step],
        ["y", "out", step],
      ])
    }
    expect(events, `pruned before request ${at}`).toEqual([])
    if (!wasPruned) return
  }
}

const all = async (saver: CkptSaver, thread: string) => {
  const tuples: CheckpointTuple[] = []
  for await (const tuple of saver.list(threadOf(thread))) tuples.push(tuple)
  return tuples
}

test("getTuple with the id of a checkpoint that is removed meanwhile gives all of it, or nothing", async () => {
  await prunedBeside(async (saver, [, id = ""]) => {
    const tuple = await saver.getTuple(withId(threadOf("t"), id))
    return tuple === undefined ? [] : [tuple]
  })
})

test("list gives all of a checkpoint that is removed meanwhile, or leaves it out", async () => {
  await prunedBeside((saver) => all(saver, "t"))
})

test("copyThread copies all of a checkpoint that is removed meanwhile, or leaves it out", async () => {
  await prunedBeside(async (saver, _, backend) => {
    await saver.copyThread("t", "copy")
    return all(new CkptSaver({ backend }), "copy")
  })
})

test("getTuple without an id gives the latest checkpoint, if others and their prunes come in before any of its requests", async () => {
  for (const keep of ["none", "first"]) {
    let wasAsked = true
    for (let at = 0; wasAsked; at++) {
      const backend = new MemoryBackend()
      const writer = new CkptSaver({ backend })
      let config = await putOn(writer, threadOf("t"), checkpointOf({ text: large("first") }))
      const rules = { last: 1, keep: keep === "first" ? [idOfConfig(config)] : [] }
      config = await putOn(writer, config, checkpointOf({ text: large("second") }))
      let left = at
      let steps = 0
      wasAsked = false
      const beside = watched(backend, async () => {
        if (left-- > 0 || steps === 3) return
        wasAsked = true
        config = await putOn(writer, config, checkpointOf({ text: large(`${++steps}`) }))
        await writer.pruneThread("t", rules)
      })
      const tuple = await new CkptSaver({ backend: beside as MemoryBackend }).getTuple(threadOf("t"))
      const given = tuple?.checkpoint.channel_values["text"]
      expect(given, `${keep}, ${at}`).toBeDefined()
      expect(given, `${keep}, ${at}`).not.toBe(large("first"))
    }
  }
})

test("getTuple without an id ends if a storage lists for good what it does not have", async () => {
  const backend = new MemoryBackend()
  const config = await putOn(new CkptSaver({ backend }), threadOf("t"), checkpointOf({ step: 1 }))
  await putOn(new CkptSaver({ backend }), config, checkpointOf({ step: 2 }))
  const [, ghost = ""] = (await keysOf(backend)).filter((key) => key.endsWith(".c")).reverse()
  const without = new Proxy(backend, {
    get(target, name) {
      const member = Reflect.get(target, name, target)
      if (typeof member !== "function") return member
      return (...given: unknown[]) => (name === "get" && given[0] === ghost ? undefined : member.apply(target, given))
    },
  })
  const tuple = await new CkptSaver({ backend: without }).getTuple(threadOf("t"))
  expect(tuple?.checkpoint.channel_values).toEqual({ step: 1 })
})
