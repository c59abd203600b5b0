import { BackendError, type PutOptions } from "@ckpt/core"
import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { cut, source } from "./support/body.js"
import { checkBackendError, fail, holds, isAbsent, outcome, rejectsAs, same } from "./support/check.js"

const key = "folder/object"

type Attempt = NonNullable<PutOptions["attempt"]>

/** Makes each request twice, as core does if the answer to the first attempt was lost. */
const answerLost: Attempt = async (one) => {
  await outcome(one(new AbortController().signal))
  return one(new AbortController().signal)
}

const shortBodies = { empty: 0, "one byte": 1, "100,000 bytes": 100_000 }

export const partCases: readonly BackendCase[] = [
  {
    name: "parts: a part that is sent twice because its answer was lost is stored once",
    loses: "a long upload that lost one answer would be stored with a part twice, and not verify.",
    async run({ backend, largeBytes, note }) {
      const chunks = cut(pattern(largeBytes))
      let ended = false
      let calls = 0
      const body = source(chunks, (index) => {
        if (index === chunks.length) ended = true
      })
      const attempt: Attempt = (one) => {
        calls++
        // After the end of the body the request may be the completion, which another case checks.
        return ended ? one(new AbortController().signal) : answerLost(one)
      }
      await backend.put(key, body, { attempt })
      await holds(backend, key, pattern(largeBytes), `an upload of ${calls} requests, most of them sent twice`)
      same(body.opened, 1, "how often the body was opened")
      if (calls === 0) note("attempt is not used: a put is one step here")
      else if (calls < 2) fail("requests inside of attempt, for a body of several parts", "at least 2", calls)
    },
  },
  {
    name: "parts: a large create whose every answer is lost once is never reported as not written",
    loses: "a state that is on the storage would be reported as never written, and its id be given to other content.",
    async run({ backend, largeBytes, note }) {
      const bytes = pattern(largeBytes)
      const put = backend.put(key, source(cut(bytes)), { when: "absent", attempt: answerLost })
      const { error } = await outcome(put)
      // The second request may be told that the object exists. Core then reads it back.
      if (error !== undefined) {
        const { kind } = checkBackendError(error, "a large create that was answered the second time")
        same(["precondition", "ambiguous"].includes(kind), true, `it says that nothing was written (${kind})`)
        note(`the second answer is ${kind}`)
      }
      await holds(backend, key, bytes, "the created object")
    },
  },
  {
    name: "parts: a part that cannot be sent ends the put with its error, and nothing becomes visible",
    loses: "a state with a hole in it would be acknowledged.",
    async run({ backend, largeBytes, note }) {
      for (const failing of [1, 2, 3]) {
        const error = new BackendError("transient", "all attempts were used up")
        let calls = 0
        const attempt: Attempt = (one) => {
          if (++calls === failing) return Promise.reject(error)
          return one(new AbortController().signal)
        }
        const seen = await outcome(backend.put(key, source(cut(pattern(largeBytes))), { when: "absent", attempt }))
        if (calls < failing) {
          note(`${calls} requests of an upload are inside of attempt`)
          if ("error" in seen) throw seen.error
          return
        }
        if (seen.error !== error) fail(`an upload whose request ${failing} failed for good`, error, seen.error)
        await isAbsent(backend, key, `an upload whose request ${failing} failed for good`)
      }
    },
  },
  {
    name: "parts: a short body that is sent in parts is stored whole",
    loses: "an empty or a short state would be lost, or get bytes that were never in it.",
    async run({ backend }) {
      for (const [name, size] of Object.entries(shortBodies)) {
        const bytes = pattern(size)
        for (const [form, body] of Object.entries({ array: [bytes], stream: source(cut(bytes, 30_000)) })) {
          const meta = await backend.put(`${name}/${form}`, body, { inParts: true, when: "absent" })
          const stored = await holds(backend, `${name}/${form}`, bytes, `${name}, from a ${form}`)
          same(
            [meta.size, meta.version],
            [size, stored.version],
            `the meta that put returned of ${name}, from a ${form}`,
          )
        }
      }
      const { version } = await backend.put(key, [bytesOf("old")], { inParts: true })
      await backend.put(key, [bytesOf("new")], { inParts: true, when: { version } })
      await holds(backend, key, bytesOf("new"), "after it was replaced")
    },
  },
  {
    name: "parts: a short create in parts over an existing object is refused, even over one that came meanwhile",
    loses:
      "a storage that ignores the condition of a large upload would pass core's check, and overwrite states later.",
    async run({ backend, another }) {
      const other = await another()
      const options = { inParts: true, when: "absent" } as const
      for (const [name, size] of Object.entries(shortBodies)) {
        await backend.put(name, [bytesOf("first")])
        const bytes = pattern(size)
        for (const body of [[bytes], source([bytes])]) {
          await rejectsAs("precondition", backend.put(name, body, options), `a create of ${name} where an object is`)
        }
        await holds(backend, name, bytesOf("first"), "the object that was there")
        // The other object comes while the body is read, when the upload may have begun.
        const late = `${name}, late`
        const body = source([bytes], async (index) => {
          if (index === 1) await other.put(late, [bytesOf("faster")], { when: "absent" })
        })
        await rejectsAs("precondition", backend.put(late, body, options), `a create of ${name} that was slower`)
        await holds(backend, late, bytesOf("faster"), "the object of the faster one")
      }
    },
  },
]
