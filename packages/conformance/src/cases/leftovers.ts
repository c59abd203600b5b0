import type { Leftover, ObjectBackend } from "@ckpt/core"
import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { cut, source } from "./support/body.js"
import { checkBackendError, fail, holds, isAbsent, keysOf, outcome, rejectsWith, same } from "./support/check.js"

const key = "folder/upload"
const hour = 3_600_000
/** Matches everything, however the storage's clock rounds: older than a time that is yet to come. */
const anyAge = -60_000

function leftoversOf(backend: ObjectBackend): NonNullable<ObjectBackend["leftovers"]> {
  return backend.leftovers?.bind(backend) ?? fail("leftovers", "a method", undefined)
}

/** Uploads, and runs `during` once most of the body was taken. */
function uploading(backend: ObjectBackend, bytes: Uint8Array, during: () => Promise<void>) {
  const chunks = cut(bytes)
  const body = source(chunks, async (index) => {
    if (index === chunks.length - 1) await during()
  })
  return backend.put(key, body, { when: "absent" })
}

const names = (found: readonly Leftover[]) => found.map(({ name }) => name).sort()

export const leftoverCases: readonly BackendCase[] = [
  {
    name: "leftovers: an object is never a leftover",
    loses: "the collection of leftovers would delete checkpoints.",
    needs: ["leftovers"],
    async run({ backend }) {
      const keys = ["a/.hidden", "a/1", "a/1.tmp", "a/tmp-1", "a/uploads/1", "b/.staging/1", "tmp/1"]
      const leftovers = leftoversOf(backend)
      same(await leftovers({ olderThanMs: anyAge, prefix: "" }), [], "leftovers of an empty storage")
      for (const name of keys) await backend.put(name, [bytesOf(name)])
      for (const prefix of ["", "a/"]) {
        same(await leftovers({ olderThanMs: anyAge, prefix, dryRun: true }), [], "leftovers where only objects are")
        same(await leftovers({ olderThanMs: anyAge, prefix }), [], "the removed leftovers where only objects are")
      }
      same(await keysOf(backend, ""), keys, "all that is listed after it")
      for (const name of keys) await holds(backend, name, bytesOf(name), "an object after it")
    },
  },
  {
    name: "leftovers: an upload under way is left alone",
    loses: "a save that is being written by another process would be cut down by the collection of this one.",
    needs: ["leftovers"],
    async run({ backend, another, largeBytes }) {
      const leftovers = leftoversOf(await another())
      const bytes = pattern(largeBytes)
      await uploading(backend, bytes, async () => {
        same(await leftovers({ olderThanMs: hour, prefix: "" }), [], "leftovers older than an hour, one second in")
      })
      await holds(backend, key, bytes, "an upload during which leftovers were collected")
    },
  },
  {
    name: "leftovers: a dry run removes nothing",
    loses: "a dry run, made to look only, would remove uploads.",
    needs: ["leftovers"],
    async run({ backend, another, largeBytes, note }) {
      const leftovers = leftoversOf(await another())
      const bytes = pattern(largeBytes)
      await uploading(backend, bytes, async () => {
        const first = await leftovers({ olderThanMs: anyAge, prefix: "", dryRun: true })
        const second = await leftovers({ olderThanMs: anyAge, prefix: "", dryRun: true })
        same(names(second), names(first), "a second dry run")
        if (first.length === 0) note("an upload under way is no leftover here")
        for (const { name, since, error } of first) {
          if (!(since instanceof Date) || Number.isNaN(since.getTime()))
            fail(`the date since which ${name} exists`, "a date", since)
          const age = Math.abs((await backend.now()).getTime() - since.getTime())
          if (age > hour / 2) fail(`the date since which ${name} exists`, "a moment ago, by the storage's clock", since)
          if (error !== undefined) checkBackendError(error, `the failure of ${name}`)
        }
        same(names(await leftovers({ olderThanMs: anyAge, prefix: "other/" })), [], "leftovers under another prefix")
      })
      await holds(backend, key, bytes, "an upload during which leftovers were looked for")
      same(await leftovers({ olderThanMs: anyAge, prefix: "" }), [], "leftovers of an upload that has ended")
    },
  },
  {
    name: "leftovers: an upload whose leftovers were removed does not become an object",
    loses: "an upload that was taken for abandoned would come back cut, and pass for a whole one.",
    needs: ["leftovers"],
    async run({ backend, another, largeBytes }) {
      const leftovers = leftoversOf(await another())
      const bytes = pattern(largeBytes)
      let found: Leftover[] = []
      const { error } = await outcome(
        uploading(backend, bytes, async () => {
          found = await leftovers({ olderThanMs: anyAge, prefix: "" })
          const left = await leftovers({ olderThanMs: anyAge, prefix: "", dryRun: true })
          same(left, [], `the rest of ${names(found).length} leftovers that were removed`)
        }),
      )
      if (error === undefined) {
        await holds(backend, key, bytes, "an upload that resolved although its leftovers were removed")
        return
      }
      checkBackendError(error, "an upload whose leftovers were removed")
      await isAbsent(backend, key, "an upload that failed")
    },
  },
  {
    name: "leftovers: the leftovers of a failed put can be removed",
    loses: "each save that breaks off would take up space for ever.",
    needs: ["leftovers"],
    async run({ backend, largeBytes }) {
      const leftovers = leftoversOf(backend)
      const error = new Error("the source broke off")
      const failing = uploading(backend, pattern(largeBytes), () => Promise.reject(error))
      await rejectsWith(failing, error, "a put whose body failed")
      const found = await leftovers({ olderThanMs: anyAge, prefix: "" })
      for (const one of found) if (one.error !== undefined) fail(`removing ${one.name}`, "no error", one.error)
      same(await leftovers({ olderThanMs: anyAge, prefix: "", dryRun: true }), [], "the leftovers after it")
    },
  },
  {
    name: "leftovers: a call with an aborted signal rejects with its reason",
    loses: "a store that is being shut down would go on removing.",
    needs: ["leftovers"],
    async run({ backend }) {
      const reason = { reason: "aborted by its caller" }
      const call = leftoversOf(backend)({ olderThanMs: hour, prefix: "", signal: AbortSignal.abort(reason) })
      await rejectsWith(call, reason, "an aborted call")
    },
  },
]
