import { bytesOf } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { fail, holds, listed, opened, same } from "./support/check.js"

const key = "folder/object"

/** Storages round to a second, and the clocks of machines differ a little. */
const toleranceMs = 5_000

export const lifetimeCases: readonly BackendCase[] = [
  {
    name: "now: the storage's clock goes forward",
    loses: "an object that is being written would count as old, and be collected.",
    async run({ backend }) {
      let before = Number.NEGATIVE_INFINITY
      for (let reading = 0; reading < 5; reading++) {
        const now: unknown = await backend.now()
        if (!(now instanceof Date) || Number.isNaN(now.getTime())) fail("now", "a valid date", now)
        if (now.getTime() < before - toleranceMs) fail("now, the second time", `not before ${before}`, now.getTime())
        before = now.getTime()
      }
    },
  },
  {
    name: "now: the storage's clock is the one that stamps its objects",
    loses: "an object written a moment ago would seem an hour old, and be collected as an orphan.",
    async run({ backend }) {
      const earliest = (await backend.now()).getTime() - toleranceMs
      const put = await backend.put(key, [bytesOf("x")])
      const content = await opened(backend, key)
      await content.body[Symbol.asyncIterator]().return?.()
      const head = await backend.head(key)
      const latest = (await backend.now()).getTime() + toleranceMs
      const [inList] = await listed(backend, key)
      for (const [what, meta] of Object.entries({ put, get: content.meta, head, list: inList })) {
        const stamp: unknown = meta?.lastModified
        if (!(stamp instanceof Date) || !(stamp.getTime() >= earliest && stamp.getTime() <= latest)) {
          fail(
            `lastModified of ${what}`,
            `between ${new Date(earliest).toISOString()} and ${new Date(latest).toISOString()}`,
            stamp,
          )
        }
      }
    },
  },
  {
    name: "now: the storage's clock is never behind an object that was just written",
    loses:
      "an object that was just written would seem to come from the future, and never be old enough to be collected.",
    async run({ backend }) {
      // A clock in whole seconds would be up to a second behind a stamp in milliseconds.
      for (let round = 0; round < 10; round++) {
        const { lastModified } = await backend.put(`${key}-${round}`, [bytesOf("x")])
        const [inList] = await listed(backend, `${key}-${round}`)
        const head = await backend.head(`${key}-${round}`)
        const now = await backend.now()
        for (const [what, stamp] of Object.entries({
          put: lastModified,
          head: head?.lastModified,
          list: inList?.lastModified,
        })) {
          if (stamp !== undefined && stamp > now) {
            fail(
              "now, after a write",
              `not before ${stamp.toISOString()}, the lastModified of ${what}`,
              now.toISOString(),
            )
          }
        }
      }
    },
  },
  {
    name: "dispose: a backend can be disposed of twice, and its objects stay",
    loses: "closing one store would take the checkpoints with it, or close the storage under another store.",
    async run({ backend, another }) {
      const first = await another()
      await first.put(key, [bytesOf("written before")])
      await first[Symbol.asyncDispose]()
      await first[Symbol.asyncDispose]()
      await holds(backend, key, bytesOf("written before"), "through a backend that is still open")
      await backend.put("folder/next", [bytesOf("written after")])
      const third = await another()
      await holds(third, key, bytesOf("written before"), "through a backend that was opened later")
      await holds(third, "folder/next", bytesOf("written after"), "through a backend that was opened later")
      same((await listed(third, "")).length, 2, "how many objects are listed")
    },
  },
]
