import type { ObjectMeta } from "@ckpt/core"
import { bytesOf } from "../harness/bytes.js"
import type { BackendCase, CaseContext } from "../harness/case.js"
import { fail, listed, opened, same } from "./support/check.js"

const key = "folder/object"

/** Storages stamp in whole seconds, and read and stamp by clocks that may be a second apart. */
const toleranceMs = 2000

/** An object's meta by every call that tells it. */
async function metasOf({ backend }: CaseContext): Promise<Record<string, ObjectMeta | undefined>> {
  const content = await opened(backend, key)
  await content.body[Symbol.asyncIterator]().return?.()
  return { get: content.meta, head: await backend.head(key), list: (await listed(backend, key))[0] }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export const timeCases: readonly BackendCase[] = [
  {
    name: "times: every call tells one time of an object: that of its latest write, by the storage's clock",
    loses: "an object that was written a moment ago would count as old and be collected as an orphan, or never be.",
    async run(context) {
      const { backend } = context
      let before: ObjectMeta | undefined
      for (let round = 0; round < 2; round++) {
        const earliest = (await backend.now()).getTime()
        const put = await backend.put(key, [bytesOf(`round ${round}`)])
        const latest = (await backend.now()).getTime()
        for (const [call, meta] of Object.entries({ put, ...(await metasOf(context)) })) {
          const stamp: unknown = meta?.lastModified
          if (
            !(stamp instanceof Date) ||
            !(stamp.getTime() >= earliest - toleranceMs && stamp.getTime() <= latest + toleranceMs)
          ) {
            const [from, to] = [earliest - toleranceMs, latest + toleranceMs].map((time) =>
              new Date(time).toISOString(),
            )
            fail(
              `lastModified (${call}) of an object that was written between two calls of now`,
              `between ${from} and ${to}`,
              stamp,
            )
          }
          const apart = Math.abs(stamp.getTime() - put.lastModified.getTime())
          // Some answers have fractions of a second and others of the same storage have none.
          if (!(apart <= 1000)) fail(`lastModified (${call})`, `that of put, ${put.lastModified.toISOString()}`, stamp)
        }
        // A replacement is later, also on a storage that stamps in whole seconds.
        if (before !== undefined && put.lastModified.getTime() <= before.lastModified.getTime())
          fail(
            "lastModified (put) after a replacement",
            `later than ${before.lastModified.toISOString()}`,
            put.lastModified,
          )
        before = put
        if (round > 0) break
        // Until the storage's clock has gone on by more than it rounds.
        while ((await backend.now()).getTime() - put.lastModified.getTime() < 1300) await wait(50)
        // Neither time nor reading makes an object younger.
        for (const [call, meta] of Object.entries(await metasOf(context))) {
          const apart = Math.abs((meta?.lastModified.getTime() ?? 0) - put.lastModified.getTime())
          if (apart > 1000)
            fail(
              `lastModified (${call}) of an object that was left alone for a second`,
              put.lastModified,
              meta?.lastModified,
            )
        }
      }
      same((await metasOf(context)).head?.key, key, "the key that head tells")
    },
  },
]
