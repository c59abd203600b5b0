import { BackendError } from "@ckpt/core"
import { type Attempt, putBody, uploadInParts } from "@ckpt/core/adapter"
import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { cut, source } from "./support/body.js"
import { checkBackendError, fail, holds, isAbsent, outcome, rejectsAs, same } from "./support/check.js"
import { partsOf } from "./support/parts.js"

const key = "folder/object"
const needs = ["parts"] as const

/** Makes each request twice, as core does if the answer to the first attempt was lost. */
const answerLost: Attempt = async (one) => {
  await outcome(one(new AbortController().signal))
  return one(new AbortController().signal)
}

/** Makes each request twice, as core does if the first attempt times out before it was sent. */
const neverSent: Attempt = async (one) => {
  await outcome(one(AbortSignal.abort(new Error("the first attempt timed out"))))
  return one(new AbortController().signal)
}

const shortBodies = { empty: 0, "one byte": 1, "100,000 bytes": 100_000 }

/** Uploads by core's way, in which a request may be made twice, or fail. */
export const partCases: readonly BackendCase[] = [
  {
    name: "parts: a part that is sent twice because its answer was lost is stored once",
    loses: "a long upload that lost one answer would be stored with a part twice, and not verify.",
    needs,
    async run(context) {
      const { backend, largeBytes } = context
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
      await uploadInParts(partsOf(context), key, body, { attempt })
      await holds(backend, key, pattern(largeBytes), `an upload of ${calls} requests, most of them sent twice`)
      same(body.opened, 1, "how often the body was opened")
      if (calls < 4) fail("requests for a body of several parts: give largeBytes of two parts", "at least 4", calls)
    },
  },
  {
    name: "parts: a part that is tried again does not ask for its bytes twice",
    loses: "a long upload that lost one packet would fail, or be stored with a hole where the packet was.",
    needs,
    async run(context) {
      const { backend, largeBytes } = context
      const bytes = pattern(largeBytes)
      const body = source(cut(bytes))
      await uploadInParts(partsOf(context), key, body, { attempt: neverSent })
      await holds(backend, key, bytes, "an upload of which each request took two attempts")
      same(body.opened, 1, "how often the body was opened")
      // A short body takes the other way.
      const raw = { ...backend, parts: partsOf(context) }
      await putBody(raw, `${key}-small`, source([bytesOf("small")]), { attempt: neverSent, when: "absent" })
      await holds(backend, `${key}-small`, bytesOf("small"), "a small upload whose first attempt failed")
    },
  },
  {
    name: "parts: a large create whose every answer is lost once is never reported as not written",
    loses: "a state that is on the storage would be reported as never written, and its id be given to other content.",
    needs,
    async run(context) {
      const { backend, largeBytes, note } = context
      const bytes = pattern(largeBytes)
      const options = { when: "absent", attempt: answerLost } as const
      const { error } = await outcome(uploadInParts(partsOf(context), key, source(cut(bytes)), options))
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
    needs,
    async run(context) {
      const { backend, largeBytes } = context
      for (const failing of [1, 2, 3]) {
        const error = new BackendError("transient", "all attempts were used up")
        let calls = 0
        const attempt: Attempt = (one) => {
          if (++calls === failing) return Promise.reject(error)
          return one(new AbortController().signal)
        }
        const options = { when: "absent", attempt } as const
        const seen = await outcome(uploadInParts(partsOf(context), key, source(cut(pattern(largeBytes))), options))
        if (seen.error !== error) fail(`an upload whose request ${failing} failed for good`, error, seen.error)
        await isAbsent(backend, key, `an upload whose request ${failing} failed for good`)
      }
    },
  },
  {
    name: "parts: a short body that is sent in parts is stored whole",
    loses: "an empty or a short state would be lost, or get bytes that were never in it.",
    needs,
    async run(context) {
      const { backend } = context
      const upload = uploadInParts.bind(undefined, partsOf(context))
      for (const [name, size] of Object.entries(shortBodies)) {
        const bytes = pattern(size)
        for (const [form, body] of Object.entries({ array: [bytes], stream: source(cut(bytes, 30_000)) })) {
          const meta = await upload(`${name}/${form}`, body, { when: "absent" })
          const stored = await holds(backend, `${name}/${form}`, bytes, `${name}, from a ${form}`)
          same(
            [meta.size, meta.version],
            [size, stored.version],
            `the meta that the upload returned of ${name}, from a ${form}`,
          )
        }
      }
      const { version } = await upload(key, [bytesOf("old")])
      await upload(key, [bytesOf("new")], { when: { version } })
      await holds(backend, key, bytesOf("new"), "after it was replaced")
    },
  },
  {
    name: "parts: a short create in parts over an existing object is refused, even over one that came meanwhile",
    loses:
      "a storage that ignores the condition of a large upload would pass core's check, and overwrite states later.",
    needs,
    async run(context) {
      const { backend, another } = context
      const other = await another()
      const create = (name: string, body: Parameters<typeof uploadInParts>[2]) =>
        uploadInParts(partsOf(context), name, body, { when: "absent" })
      for (const [name, size] of Object.entries(shortBodies)) {
        await backend.put(name, [bytesOf("first")])
        const bytes = pattern(size)
        for (const body of [[bytes], source([bytes])]) {
          await rejectsAs("precondition", create(name, body), `a create of ${name} where an object is`)
        }
        await holds(backend, name, bytesOf("first"), "the object that was there")
        // The other object comes while the body is read, when the upload may have begun.
        const late = `${name}, late`
        const body = source([bytes], async (index) => {
          if (index === 1) await other.put(late, [bytesOf("faster")], { when: "absent" })
        })
        await rejectsAs("precondition", create(late, body), `a create of ${name} that was slower`)
        await holds(backend, late, bytesOf("faster"), "the object of the faster one")
      }
    },
  },
]
