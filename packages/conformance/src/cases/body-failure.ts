import { BackendError } from "@ckpt/core"
import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { cut, source } from "./support/body.js"
import { holds, isAbsent, keysOf, rejectsWith, same } from "./support/check.js"

const key = "folder/object"

/** A body that fails before its n-th chunk. */
function failing(chunks: readonly Uint8Array[], at: number, error: unknown) {
  return source(chunks, (index) => {
    if (index === at) throw error
  })
}

export const bodyFailureCases: readonly BackendCase[] = [
  {
    name: "body: a put rejects with the error of its body, and nothing becomes visible",
    loses: "a state whose source broke off would be stored as if it were whole, or the cause would be hidden.",
    async run({ backend, largeBytes }) {
      const chunks = cut(pattern(largeBytes))
      for (const at of [0, 1, chunks.length - 1, chunks.length]) {
        for (const when of [undefined, "absent"] as const) {
          const error = new Error(`the source broke off at chunk ${at}`)
          await rejectsWith(backend.put(key, failing(chunks, at, error), { when }), error, `a body that fails at ${at}`)
          await isAbsent(backend, key, `a body that failed at chunk ${at}`)
        }
      }
      same(await keysOf(backend, ""), [], "all that is listed")
      await backend.put(key, [bytesOf("at last")], { when: "absent" })
      await holds(backend, key, bytesOf("at last"), "the object that was created after the failures")
    },
  },
  {
    name: "body: a replace whose body fails leaves the old object",
    loses: "an update whose source broke off would destroy the old content.",
    async run({ backend, largeBytes }) {
      const { version } = await backend.put(key, [bytesOf("old")])
      const chunks = cut(pattern(largeBytes))
      for (const when of [undefined, { version }]) {
        const error = new Error("the source broke off")
        await rejectsWith(backend.put(key, failing(chunks, chunks.length - 1, error), { when }), error, "the put")
        same(
          (await holds(backend, key, bytesOf("old"), "the object that was to be replaced")).version,
          version,
          "its version",
        )
      }
    },
  },
  {
    name: "body: an error of the body is never mistaken for one of the storage",
    loses: "a failure of the source would be retried, or be reported as a conflict, because it looks like another.",
    async run({ backend }) {
      const errors = [
        new BackendError("precondition", "from the store that this state is copied from"),
        new BackendError("transient", "from the store that this state is copied from"),
        ...["ENOENT", "EEXIST", "ENOSPC", "ECONNRESET", "ABORT_ERR"].map((code) =>
          Object.assign(new Error(`${code}: from the file that this state is read from`), { code }),
        ),
        Object.assign(new Error("from a request of the source"), { name: "AbortError" }),
        Object.assign(new Error("from a request of the source"), {
          statusCode: 412,
          $metadata: { httpStatusCode: 412 },
        }),
        "not even an error",
      ]
      for (const error of errors) {
        const body = failing(cut(pattern(200_000)), 2, error)
        await rejectsWith(backend.put(key, body, { when: "absent" }), error, "a put whose body failed")
        await isAbsent(backend, key, "a put whose body failed")
      }
    },
  },
]
