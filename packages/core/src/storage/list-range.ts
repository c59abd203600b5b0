import { BackendError } from "../errors.js"
import { byUtf8 } from "../format/utf8-order.js"
import type { Watch } from "./attempt.js"
import type { ObjectBackend, ObjectMeta } from "./backend.js"

export interface Range {
  /** Begins with the prefix. */
  readonly after: string | undefined
  readonly limit: number
}

/** One attempt to list what a range still lacks. `found`: what earlier attempts gave; it grows. */
export async function continueRange(
  backend: ObjectBackend,
  prefix: string,
  { after, limit }: Range,
  found: ObjectMeta[],
  signal: AbortSignal,
  watch: Watch,
): Promise<void> {
  let last = found.at(-1)?.key ?? after
  for (let passedOver = 0; ; ) {
    const most = limit - found.length + 2 * passedOver
    let came = 0
    passedOver = 0
    for await (const meta of backend.list(prefix, { after: last, limit: most, signal })) {
      // What was given up may go on, and the next attempt has begun.
      signal.throwIfAborted()
      watch.touch()
      came++
      // Not every storage says where such a key comes. The prefix is the same in all keys.
      if (/[\u{10000}-\u{10ffff}]/u.test(meta.key.slice(prefix.length))) {
        passedOver++
        continue
      }
      if (last !== undefined && byUtf8(meta.key, last) <= 0) throw outOfOrder(meta.key, last)
      found.push(meta)
      last = meta.key
      passedOver = 0
      if (found.length === limit) return
    }
    // What was passed over took the place of others. They are asked for from the last entry on, since it has a sure place.
    if (came < most) return
  }
}

/** Whoever goes on behind the last entry would miss others. */
function outOfOrder(key: string, last: string): BackendError {
  return new BackendError("unsupported", `the storage listed ${key} behind ${last}, and not in the order of the keys`)
}
