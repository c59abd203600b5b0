import type { ObjectMeta, UploadInParts } from "@ckpt/core"
import { pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { holds, isAbsent, rejectsAs, rejectsWith, same } from "./support/check.js"
import { partsOf } from "./support/parts.js"

const key = "folder/object"
const needs = ["parts"] as const

/** An upload of two parts, sent by hand: the first part is full. */
interface TwoParts {
  readonly bytes: Uint8Array
  begin(): Promise<unknown>
  first(upload: unknown, signal?: AbortSignal): Promise<unknown>
  /** Sends the second part and completes the upload. */
  rest(upload: unknown, first: unknown): Promise<ObjectMeta>
}

function twoParts(parts: UploadInParts, seed: number): TwoParts {
  const offset = parts.partBytes(0, undefined)
  const bytes = pattern(offset + 1000, seed)
  const [head, tail] = [bytes.slice(0, offset), bytes.slice(offset)]
  return {
    bytes,
    begin: () => parts.begin(key, { when: "absent" }),
    async first(upload, signal) {
      const answer = await parts.part(upload, { index: 0, offset: 0, bytes: head, last: false }, { signal })
      head.fill(0)
      return answer
    },
    async rest(upload, first) {
      const answer = await parts.part(upload, { index: 1, offset, bytes: tail, last: true }, {})
      tail.fill(0)
      return parts.complete(upload, [first, answer], { size: bytes.length })
    },
  }
}

/** The requests of an upload, made one by one. */
export const partRequestCases: readonly BackendCase[] = [
  {
    name: "parts: nothing is visible before the last part, nor after the upload was abandoned",
    loses: "recovery would find a state that was still being written when its process was killed.",
    needs,
    async run(context) {
      const { backend, another } = context
      const other = await another()
      const { begin, first } = twoParts(partsOf(context), 1)
      const upload = await begin()
      await first(upload)
      for (const one of [backend, other]) await isAbsent(one, key, "an upload of which one part was sent")
      await partsOf(context).abandon(upload, {})
      for (const one of [backend, other]) await isAbsent(one, key, "an upload that was abandoned")
      const again = twoParts(partsOf(context), 2)
      const next = await again.begin()
      await again.rest(next, await again.first(next))
      await holds(other, key, again.bytes, "the next upload of the same key")
    },
  },
  {
    name: "parts: the memory of a part is the caller's again once it was sent",
    loses:
      "a long state would be stored with pieces of its end in its middle, since core uses the memory of parts again.",
    needs,
    async run(context) {
      const { begin, first, rest, bytes } = twoParts(partsOf(context), 1)
      const upload = await begin()
      const meta = await rest(upload, await first(upload))
      const stored = await holds(context.backend, key, bytes, "an upload whose memory was overwritten part by part")
      same([meta.size, meta.version], [bytes.length, stored.version], "the meta that complete returned")
    },
  },
  {
    name: "parts: two uploads of one key at once do not mix their parts, and one create wins",
    loses: "two processes that save one checkpoint would store a state with parts of both.",
    needs,
    async run(context) {
      const [one, other] = [twoParts(partsOf(context), 1), twoParts(partsOf(context), 2)]
      const [winner, loser] = [await one.begin(), await other.begin()]
      const [first, second] = [await one.first(winner), await other.first(loser)]
      await one.rest(winner, first)
      await rejectsAs("precondition", other.rest(loser, second), "the slower of two creates")
      await holds(context.backend, key, one.bytes, "the faster one")
    },
  },
  {
    name: "parts: a request with an aborted signal rejects with its reason",
    loses: "a save that was given up would go on sending, and its state appear all the same.",
    needs,
    async run(context) {
      const parts = partsOf(context)
      const reason = { reason: "aborted by its caller" }
      const signal = AbortSignal.abort(reason)
      await rejectsWith(parts.begin(key, { signal }), reason, "an aborted beginning")
      const { begin, first } = twoParts(parts, 1)
      const upload = await begin()
      await rejectsWith(first(upload, signal), reason, "an aborted part")
      const completing = parts.complete(upload, [await first(upload)], { size: parts.partBytes(0, undefined), signal })
      await rejectsWith(completing, reason, "an aborted completion")
      await isAbsent(context.backend, key, "an upload whose completion was aborted")
      await parts.abandon(upload, {})
    },
  },
]
