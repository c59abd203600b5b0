import type { ObjectBackend } from "@ckpt/core"
import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { forEachConcurrently } from "../harness/concurrency.js"
import { cut, source } from "./support/body.js"
import { deleteAll, fail, holds, isAbsent, keysOf, opened, outcome, same, sameKeys } from "./support/check.js"

const key = "folder/object"

/** More than any pool of connections, handles or slots of readers that an adapter should need. */
const often = Array.from({ length: 130 }, (_, index) => index)

/** Everything still works: a storage that ran out of handles hangs or fails at one of these calls. */
async function worksOn(backend: ObjectBackend, bytes: Uint8Array, after: string): Promise<void> {
  await holds(backend, key, bytes, after)
  await backend.put(key, [bytesOf("next")])
  await holds(backend, key, bytesOf("next"), `a replace ${after}`)
  same(await backend.delete([key]), [], `the failures of a delete ${after}`)
  await isAbsent(backend, key, `a delete ${after}`)
  await backend.put(key, [bytes], { when: "absent" })
  await holds(backend, key, bytes, `a create ${after}`)
}

/** Calls that end early, by their caller's will or because they are refused, must hold nothing. */
export const givenUpCases: readonly BackendCase[] = [
  {
    name: "given up: bodies that are left half way, or before their first chunk, hold nothing",
    loses: "a process that looks at many checkpoints would stand still, and no checkpoint could be pruned under it.",
    async run({ backend }) {
      const bytes = pattern(2_500_000)
      await backend.put(key, cut(bytes))
      await forEachConcurrently(often, async (index) => {
        const range = index % 3 === 0 ? { offset: 1000 } : undefined
        const iterator = (await opened(backend, key, { range })).body[Symbol.asyncIterator]()
        if (index % 2 === 0) await iterator.next()
        await iterator.return?.()
      })
      await worksOn(backend, bytes, `after ${often.length} bodies (get) whose reader called return()`)
    },
  },
  {
    name: "given up: bodies that are aborted hold nothing",
    loses: "a process whose restores time out would run out of sockets or files, and stand still.",
    async run({ backend }) {
      const bytes = pattern(2_500_000)
      await backend.put(key, cut(bytes))
      await forEachConcurrently(often, async (index) => {
        const aborting = new AbortController()
        const { body } = await opened(backend, key, { signal: aborting.signal })
        const iterator = body[Symbol.asyncIterator]()
        if (index % 2 === 0) await iterator.next()
        aborting.abort(new Error("given up"))
        // A whole object may have arrived already. Either way the reader ends as the contract says.
        await outcome(iterator.next())
        await iterator.return?.()
      })
      await worksOn(backend, bytes, `after ${often.length} bodies (get) that were aborted`)
    },
  },
  {
    name: "given up: reads that find nothing, or are refused, hold nothing",
    loses: "a process that asks for checkpoints that are gone would run out of connections, and stand still.",
    async run({ backend }) {
      const bytes = pattern(1000)
      const { version } = await backend.put(key, [bytesOf("older")])
      await backend.put(key, [bytes])
      await forEachConcurrently(often, async (index) => {
        same(await backend.get("folder/none"), undefined, "get of what is absent")
        const refused = index % 2 === 0 ? { ifVersion: version } : { range: { offset: 2000 } }
        if ((await outcome(backend.get(key, refused))).error === undefined)
          fail("get of another version, or from past the end", "a rejection", "it resolved")
      })
      await worksOn(backend, bytes, `after ${2 * often.length} reads (get) that found nothing or were refused`)
    },
  },
  {
    name: "given up: listings that are left half way hold nothing",
    loses: "a process that looks for one checkpoint among many would keep a cursor for each look, and stand still.",
    async run({ backend }) {
      const bytes = pattern(1000)
      const names = Array.from({ length: 30 }, (_, index) => `many/${String(index).padStart(2, "0")}`)
      await forEachConcurrently(names, (name) => backend.put(name, [bytesOf(name)]))
      await backend.put(key, [bytes])
      await forEachConcurrently(often, async (index) => {
        const aborting = new AbortController()
        let seen = 0
        const listing = async () => {
          for await (const _ of backend.list("many/", { signal: aborting.signal })) {
            if (++seen <= index % 20) continue
            if (index % 4 !== 0) break
            aborting.abort(new Error("given up"))
          }
        }
        await outcome(listing())
      })
      await worksOn(backend, bytes, `after ${often.length} listings (list) that were left or aborted`)
      sameKeys(await keysOf(backend, "many/"), names, `a listing after ${often.length} others that were left`)
      await deleteAll(backend, names, "a delete of what such listings showed")
    },
  },
  {
    name: "given up: writes that fail, are refused or are aborted hold nothing",
    loses: "after some saves that broke off no save would succeed any more, until the process is started again.",
    async run({ backend }) {
      const { version } = await backend.put(key, [bytesOf("older")])
      const bytes = pattern(1000)
      await backend.put(key, [bytes])
      const chunks = cut(pattern(5000), 1000)
      await forEachConcurrently(often, async (index) => {
        const error = new Error("the source broke off")
        const aborting = new AbortController()
        const body = source(chunks, (at) => {
          if (at !== 1 + (index % 4)) return
          if (index % 2 === 0) throw error
          aborting.abort(error)
        })
        const broken = await outcome(backend.put(`many/${index}`, body, { signal: aborting.signal }))
        same(broken.error, error, "the error of a put whose body failed, or that was aborted")
        const refused =
          index % 2 === 0
            ? backend.put(key, [bytesOf("x")], { when: "absent" })
            : backend.put(key, source([bytesOf("x")]), { when: { version } })
        if ((await outcome(refused)).error === undefined)
          fail("a put whose condition does not hold", "a rejection", "it resolved")
      })
      await worksOn(backend, bytes, `after ${2 * often.length} writes (put) that came to nothing`)
      same(await keysOf(backend, "many/"), [], "what is listed of writes that came to nothing")
    },
  },
  {
    name: "given up: a backend can be disposed of while bodies and listings were left",
    loses: "closing a store would never end, and the process with it.",
    async run({ another }) {
      const backend = await another()
      await backend.put(key, cut(pattern(2_500_000)))
      await forEachConcurrently(often.slice(0, 40), async (index) => {
        const iterator = (await opened(backend, key)).body[Symbol.asyncIterator]()
        if (index % 2 === 0) await iterator.next()
        await iterator.return?.()
        for await (const _ of backend.list("")) break
      })
      await backend[Symbol.asyncDispose]()
      const next = await another()
      await holds(next, key, pattern(2_500_000), "through a backend that was opened after another was disposed of")
    },
  },
]
