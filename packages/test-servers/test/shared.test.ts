import { expect, test } from "vitest"
import { share } from "../src/shared.js"

function server() {
  const log: string[] = []
  let starts = 0
  return {
    log,
    start: async () => {
      const id = ++starts
      log.push(`start ${id}`)
      return { id, stop: async () => void log.push(`stop ${id}`) }
    },
  }
}

test("the last of several users ends it, and nobody ends it twice", async () => {
  const { log, start } = server()
  const [one, two] = await Promise.all([share("users", start), share("users", start)])
  expect([one?.id, two?.id]).toEqual([1, 1])
  await one?.stop()
  await one?.stop()
  expect(log).toEqual(["start 1"])
  await two?.stop()
  await two?.stop()
  expect(log).toEqual(["start 1", "stop 1"])
})

test("who comes after the last user gets a new one", async () => {
  const { log, start } = server()
  const one = await share("again", start)
  const stopped = one?.stop()
  const two = await share("again", start)
  await stopped
  expect(two?.id).toBe(2)
  await two?.stop()
  expect(log).toEqual(["start 1", "stop 1", "start 2", "stop 2"])
})

test("a start that failed fails all who waited for it, and is tried again", async () => {
  const failing = async () => {
    throw new Error("no")
  }
  const waiting = [share("failing", failing), share("failing", failing)]
  for (const one of waiting) await expect(one).rejects.toThrow("no")
  const { start } = server()
  expect((await share("failing", start))?.id).toBe(1)
})

test("another copy of the module shares the same", async () => {
  const { start } = server()
  const one = await share("copies", start)
  const copy = (await import("../src/shared.js?copy" as string)) as typeof import("../src/shared.js")
  expect(copy.share).not.toBe(share)
  const two = await copy.share("copies", start)
  expect(two?.id).toBe(1)
  await Promise.all([one?.stop(), two?.stop()])
})
