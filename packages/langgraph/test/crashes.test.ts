// Each operation, cut off before each of its requests, as by the end of its process: what is found then is whole.
import { MemoryBackend } from "@ckpt/memory"
import { expect, test } from "vitest"
import { CkptSaver } from "../src/index.js"
import {
  checkpointOf,
  clockWith,
  cutOff,
  doubting,
  idOfConfig,
  idsOf,
  keysOf,
  large,
  putOn,
  text,
  threadOf,
  watched,
} from "./threads.js"

/** Lets an operation make ever more requests that change something, until it makes all. Gives how many it was cut off. */
async function cutEverywhere(
  prepare: (saver: CkptSaver) => Promise<void>,
  operation: (saver: CkptSaver) => Promise<unknown>,
  check: (saver: CkptSaver, isDone: boolean, backend: MemoryBackend) => Promise<void>,
): Promise<number> {
  for (let allowed = 0; ; allowed++) {
    const backend = new MemoryBackend()
    await prepare(new CkptSaver({ backend }))
    let wasCut = false
    const cut = cutOff(backend, allowed, () => {
      wasCut = true
    })
    const outcome = await operation(new CkptSaver({ backend: cut, retry: { attempts: 1 } })).catch((error) => error)
    expect(outcome instanceof Error).toBe(wasCut)
    await check(new CkptSaver({ backend }), !wasCut, backend)
    if (!wasCut) return allowed
  }
}

const dayMs = 24 * 60 * 60 * 1000

test("a call that is made again on another day is the same call", async () => {
  const backend = new MemoryBackend()
  const onDay = (day: number) => {
    const clock = clockWith(() => Date.now() + day * dayMs)
    return new CkptSaver({ backend, clock })
  }
  const checkpoint = checkpointOf({ text: large("text"), step: 1 })
  const config = await putOn(onDay(0), threadOf("t"), checkpoint)
  expect(await putOn(onDay(1), threadOf("t"), checkpoint)).toEqual(config)
  const other = { ...checkpoint, channel_values: { text: large("other"), step: 1 } }
  await expect(putOn(onDay(1), threadOf("t"), other)).rejects.toMatchObject({ code: "CKPT_CONFLICT" })
  expect([await onDay(0).copyThread("t", "copy"), await onDay(1).copyThread("t", "copy")]).toEqual([1, 1])
  expect((await onDay(2).getTuple(threadOf("copy")))?.checkpoint).toEqual(checkpoint)
})

test("a call that is made again stores its checkpoint if what is there is removed meanwhile", async () => {
  const backend = new MemoryBackend()
  const checkpoint = checkpointOf({ text: large("text"), step: 1 })
  const config = await putOn(new CkptSaver({ backend }), threadOf("t"), checkpoint)
  const clock = clockWith(() => Date.now() + dayMs)
  let gets = 0
  const beside = watched(backend, (call, key) => {
    // The first reading tells that its bytes differ.
    if (call === "get" && key.endsWith(".c") && ++gets === 2) return backend.delete([key])
    return undefined
  })
  expect(await putOn(new CkptSaver({ backend: beside, clock }), threadOf("t"), checkpoint)).toEqual(config)
  expect((await new CkptSaver({ backend }).getTuple(config))?.checkpoint).toEqual(checkpoint)
})

test("writes that a crash may still undo are not acknowledged as stored when the same call finds them", async () => {
  const backend = new MemoryBackend()
  const config = await putOn(new CkptSaver({ backend }), threadOf("t"), checkpointOf({ step: 1 }))
  const first = new CkptSaver({ backend })
  await first.putWrites(config, [["__interrupt__", "one"]], "task")
  await first.putWrites(config, [["__interrupt__", "two"]], "task")
  let isInDoubt = true
  const saver = new CkptSaver({ backend: doubting(backend, (key) => isInDoubt && key.endsWith(".000001")) })
  const again = () => saver.putWrites(config, [["__interrupt__", "two"]], "task")
  await expect(again()).rejects.toMatchObject({ code: "CKPT_UNKNOWN_OUTCOME" })
  isInDoubt = false
  await again()
})

const before = checkpointOf({ messages: text(1, 100), step: 1 })
const after = checkpointOf({ messages: `${text(1, 100)}${text(2, 40)}`, notes: large("notes"), step: 2 })

test("put: the thread is as before, or has the whole checkpoint, and the same call completes it", async () => {
  const cuts = await cutEverywhere(
    (saver) => putOn(saver, threadOf("t"), before).then(() => {}),
    async (saver) => {
      await saver.getTuple(threadOf("t"))
      return putOn(saver, threadOf("t"), after)
    },
    async (saver, isDone) => {
      const found = await saver.getTuple(threadOf("t"))
      expect(found?.checkpoint).toEqual(isDone ? after : before)
      await putOn(saver, threadOf("t"), after)
      expect((await saver.getTuple(threadOf("t")))?.checkpoint).toEqual(after)
    },
  )
  // The piece of the notes, the new piece of the messages, and the checkpoint.
  expect(cuts).toBe(3)
})

test("copyThread: the copy is the beginning of the thread, each checkpoint whole, and the same call completes it", async () => {
  const tuples = async (saver: CkptSaver, thread: string) => {
    const found = []
    for await (const { checkpoint, pendingWrites } of saver.list(threadOf(thread)))
      found.unshift({ checkpoint, pendingWrites })
    return found
  }
  const cuts = await cutEverywhere(
    async (saver) => {
      let config = threadOf("t")
      for (let step = 0; step < 3; step++) {
        config = await putOn(saver, config, checkpointOf({ text: text(1, 60) + text(step, 10 + step) }))
        await saver.putWrites(config, [["out", step]], "task")
      }
    },
    (saver) => saver.copyThread("t", "copy"),
    async (saver, isDone) => {
      const [all, copied] = [await tuples(saver, "t"), await tuples(saver, "copy")]
      expect(copied).toEqual(all.slice(0, isDone ? 3 : copied.length))
      await saver.copyThread("t", "copy")
      expect(await tuples(saver, "copy")).toEqual(all)
    },
  )
  expect(cuts).toBe(14)
})

test("deleteThread: no checkpoint without its values, the latest stays until the others are gone, and the same call completes it", async () => {
  const ids: string[] = []
  const prepare = async (saver: CkptSaver) => {
    ids.length = 0
    for (let step = 0; step < 4; step++) {
      const config = await putOn(saver, threadOf("t"), checkpointOf({ text: large(`${step}`) }))
      await saver.putWrites(config, [["out", step]], "task")
      ids.unshift(idOfConfig(config))
    }
    await putOn(saver, threadOf("other"), checkpointOf({ text: large("0") }))
  }
  const cuts = await cutEverywhere(
    prepare,
    (saver) => saver.deleteThread("t"),
    async (saver, isDone, backend) => {
      const found = await idsOf(saver, threadOf("t"))
      if (found.length > 0) expect(found[0]).toBe(ids[0])
      if (isDone) expect(found).toEqual([])
      await saver.deleteThread("t")
      expect(await saver.getTuple(threadOf("t"))).toBeUndefined()
      expect((await keysOf(backend)).filter((key) => key.includes("/t/"))).toEqual([])
      expect((await saver.getTuple(threadOf("other")))?.checkpoint.channel_values).toEqual({ text: large("0") })
    },
  )
  expect(cuts).toBe(4)
})
