import type { Leftover, LeftoverOptions } from "@ckpt/core"
import { pattern } from "../../harness/bytes.js"
import type { CaseContext } from "../../harness/case.js"
import { never } from "../../harness/waiting.js"
import { cut, source } from "./body.js"
import { fail, outcome } from "./check.js"

/** Writes that began and do not go on. */
export interface Unfinished {
  /** Gives up whatever is left of them. */
  end(): Promise<void>
}

/** Begins one write of each key, and leaves it in its middle: an upload in parts where the backend has them. */
export async function unfinished(
  { backend, parts, largeBytes }: CaseContext,
  keys: readonly string[],
): Promise<Unfinished> {
  const ends: (() => Promise<unknown>)[] = []
  for (const key of keys) {
    if (parts !== undefined) {
      const upload = await parts.begin(key, {})
      const bytes = pattern(parts.partBytes(0, undefined))
      await parts.part(upload, { index: 0, offset: 0, bytes, last: false }, {})
      ends.push(() => outcome(parts.abandon(upload, {})))
      continue
    }
    const aborting = new AbortController()
    const chunks = cut(pattern(Math.min(largeBytes, 3 << 20)))
    const writing = await new Promise<{ ended: Promise<unknown> }>((resolve) => {
      const body = source(chunks, (index) => {
        if (index < chunks.length - 1) return undefined
        resolve({ ended })
        return never()
      })
      const ended: Promise<unknown> = outcome(backend.put(key, body, { signal: aborting.signal }))
    })
    ends.push(() => {
      aborting.abort(new Error("the case is over"))
      return writing.ended
    })
  }
  return {
    async end() {
      await Promise.all(ends.map((end) => end()))
    },
  }
}

/** Leftovers of any age, unless `olderThanMs` says otherwise: older than a time that is yet to come. */
export function leftoversOf({ backend }: CaseContext) {
  const look = backend.leftovers?.bind(backend) ?? fail("leftovers", "a method", undefined)
  return (options: Partial<LeftoverOptions> & Pick<LeftoverOptions, "prefix">): Promise<Leftover[]> =>
    look({ olderThanMs: -60_000, ...options })
}

/** The names of leftovers, sorted. */
export const namesOf = (found: readonly Leftover[]): string[] => found.map(({ name }) => name).sort()
