import { MemoryBackend } from "@ckpt/memory"
import { expect, test } from "vitest"
import { CkptSaver } from "../src/index.js"
import { checkpointOf, idOfConfig, large, loop, putOn, threadOf, watched, withId } from "./threads.js"

/** A storage that holds the first call that fits, until it is let go. */
function held(fits: (call: string, key: string) => boolean) {
  const backend = new MemoryBackend()
  let [begun, letGo] = [() => {}, () => {}]
  const isHeld = new Promise<void>((resolve) => {
    begun = resolve
  })
  const isFree = new Promise<void>((resolve) => {
    letGo = resolve
  })
  let isNext = true
  const beside = watched(backend, (call, key) => {
    if (!isNext || !fits(call, key)) return undefined
    isNext = false
    begun()
    return isFree
  })
  return { backend, beside, isHeld, letGo }
}

test("close() waits for a put between two of its requests, and refuses calls that come later", async () => {
  const { backend, beside, isHeld, letGo } = held((call, key) => call === "put" && key.startsWith("v/"))
  const saver = new CkptSaver({ backend: beside })
  const stored = putOn(saver, threadOf("t"), checkpointOf({ text: large("text") }))
  await isHeld
  const closed = saver.close()
  const late = { code: "CKPT_CLOSED" }
  await expect(saver.getTuple(threadOf("t"))).rejects.toMatchObject(late)
  await expect(saver.list(threadOf("t")).next()).rejects.toMatchObject(late)
  await expect(saver.put(threadOf("t"), checkpointOf({}), loop, {})).rejects.toMatchObject(late)
  await expect(saver.putWrites(withId(threadOf("t"), "id"), [["out", 1]], "task")).rejects.toMatchObject(late)
  await expect(saver.deleteThread("t")).rejects.toMatchObject(late)
  await expect(saver.copyThread("t", "copy")).rejects.toMatchObject(late)
  await expect(saver.pruneThread("t", { last: 1 })).rejects.toMatchObject(late)
  letGo()
  await closed
  const config = await stored
  expect(idOfConfig((await new CkptSaver({ backend }).getTuple(threadOf("t")))?.config)).toBe(idOfConfig(config))
})
