import type { ObjectBackend } from "@ckpt/core"
import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { forEachConcurrently } from "../harness/concurrency.js"
import { never } from "../harness/waiting.js"
import { cut, source } from "./support/body.js"
import { fail, holds, isAbsent, keysOf, opened, outcome, rejectsWith, same, sameKeys } from "./support/check.js"

const key = "folder/object"

/** Not an Error: the call must reject with this very value, not with an error made of it. */
const reasonFor = (what: string) => ({ reason: `${what} was aborted by its caller` })

async function drained(backend: ObjectBackend, prefix: string, signal: AbortSignal): Promise<string[]> {
  const keys: string[] = []
  for await (const meta of backend.list(prefix, { signal })) keys.push(meta.key)
  return keys
}

export const abortCases: readonly BackendCase[] = [
  {
    name: "abort: a call with an aborted signal rejects with its reason and changes nothing",
    loses: "a store that is being shut down would go on writing and deleting.",
    async run({ backend }) {
      await backend.put(key, [bytesOf("there")])
      const reason = reasonFor("it")
      const signal = AbortSignal.abort(reason)
      const body = source([bytesOf("new")])
      await rejectsWith(backend.put(key, body, { signal }), reason, "an aborted put")
      same(body.taken, 0, "the chunks that an aborted put took from its body")
      await rejectsWith(backend.put("folder/new", [], { signal, when: "absent" }), reason, "an aborted create")
      await rejectsWith(backend.get(key, { signal }), reason, "an aborted get")
      await rejectsWith(backend.head(key, { signal }), reason, "an aborted head")
      await rejectsWith(drained(backend, "", signal), reason, "an aborted list")
      await rejectsWith(backend.delete([key], { signal }), reason, "an aborted delete")
      await holds(backend, key, bytesOf("there"), "the object that was there")
      await isAbsent(backend, "folder/new", "the object that was not")
    },
  },
  {
    name: "abort: now with an aborted signal rejects with its reason",
    loses: "a store that is being shut down would wait for an answer that it does not need.",
    async run({ backend }) {
      const reason = reasonFor("now")
      await rejectsWith(backend.now({ signal: AbortSignal.abort(reason) }), reason, "an aborted now")
    },
  },
  {
    name: "abort: a put that is aborted between two chunks leaves nothing",
    loses: "a save that was given up would leave half a state behind that passes for a whole one, or an open file.",
    async run({ backend, largeBytes }) {
      const chunks = cut(pattern(largeBytes))
      for (const at of [1, chunks.length - 1, chunks.length]) {
        const reason = reasonFor("the put")
        const aborting = new AbortController()
        const body = source(chunks, (index) => {
          if (index === at) aborting.abort(reason)
        })
        await rejectsWith(backend.put(key, body, { signal: aborting.signal }), reason, `aborted at chunk ${at}`)
        await body.closed
        await isAbsent(backend, key, `a put that was aborted at chunk ${at}`)
      }
    },
  },
  {
    name: "abort: a put whose body hangs ends at once",
    loses: "a save from a source that has died could never be given up: close would hang with it.",
    async run({ backend, largeBytes }) {
      const chunks = cut(pattern(largeBytes))
      for (const at of [0, 1, chunks.length - 1]) {
        const reason = reasonFor("the put")
        const aborting = new AbortController()
        const body = source(chunks, (index) => {
          if (index !== at) return undefined
          // The abort comes after this chunk was asked for: only the signal can end the call.
          setImmediate(() => aborting.abort(reason))
          return never()
        })
        await rejectsWith(backend.put(key, body, { signal: aborting.signal }), reason, `it hangs at chunk ${at}`)
        await isAbsent(backend, key, "a put that was aborted")
      }
    },
  },
  {
    name: "abort: an aborted replace leaves the old object",
    loses: "an update that is given up would destroy the old content.",
    async run({ backend, largeBytes }) {
      const { version } = await backend.put(key, [bytesOf("old")])
      const chunks = cut(pattern(largeBytes))
      for (const when of [undefined, { version }]) {
        const reason = reasonFor("the put")
        const aborting = new AbortController()
        const body = source(chunks, (index) => {
          if (index === chunks.length - 1) aborting.abort(reason)
        })
        await rejectsWith(backend.put(key, body, { when, signal: aborting.signal }), reason, "an aborted replace")
        const stored = await holds(backend, key, bytesOf("old"), "the object that was to be replaced")
        same(stored.version, version, "its version")
      }
    },
  },
  {
    name: "abort: a read that is aborted in the middle rejects instead of ending early",
    loses: "a restore that was given up would go on, or end early as if the state were that short.",
    async run({ backend, largeBytes }) {
      await backend.put(key, cut(pattern(largeBytes)))
      const reason = reasonFor("the read")
      const aborting = new AbortController()
      const { body } = await opened(backend, key, { signal: aborting.signal })
      const iterator = body[Symbol.asyncIterator]()
      const first = await iterator.next()
      // If the first chunk is the whole object, nothing is left to abort.
      if (!first.done && first.value.length === largeBytes) return
      aborting.abort(reason)
      const reading = async () => {
        while (!(await iterator.next()).done);
        return "it ended as if all had been read"
      }
      await rejectsWith(reading(), reason, "the rest of a read that was aborted after its first chunk")
    },
  },
  {
    name: "abort: an aborted list rejects, or lists every key",
    loses: "checkpoints that were not listed yet would be taken for missing.",
    async run({ backend }) {
      const keys = Array.from({ length: 1100 }, (_, index) => `many/${String(index).padStart(4, "0")}`)
      await forEachConcurrently(keys, (name) => backend.put(name, [bytesOf("x")]))
      const reason = reasonFor("the list")
      const aborting = new AbortController()
      const seen: string[] = []
      const listing = async () => {
        for await (const meta of backend.list("many/", { signal: aborting.signal })) {
          seen.push(meta.key)
          if (seen.length === 3) aborting.abort(reason)
        }
      }
      const { error } = await outcome(listing())
      // A listing that had arrived whole may still be delivered whole.
      if (error === undefined) sameKeys(seen.sort(), keys, "an aborted list that did not reject")
      else if (error !== reason) fail("an aborted list", reason, error)
      sameKeys(await keysOf(backend, "many/"), keys, "a list after it")
    },
  },
]
