// A whole prune comes in between, before any request of a reader: a checkpoint is read as a whole, with its writes, or not at all.
import { MemoryBackend } from "@ckpt/memory"
import type { CheckpointTuple } from "@langchain/langgraph-checkpoint"
import { expect, test } from "vitest"
import { CkptSaver, type CkptSaverEvent } from "../src/index.js"
import { checkpointOf, clockWith, idOfConfig, large, putOn, threadOf, watched, withId } from "./threads.js"

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
