import { byUtf8 } from "../format/utf8-order.js"
import type { ListRangeOptions, ObjectMeta } from "../storage/backend.js"

/** Whether a listing is asked for a part of its entries, so that they must come in order. */
export function isRange({ after, limit }: ListRangeOptions): boolean {
  return after !== undefined || limit !== undefined
}

/**
 * The entries that a listing with `after` and `limit` gives, from all entries under the prefix. For a storage that has no start, or
 * lists in another order.
 */
export async function inOrder(
  all: AsyncIterable<ObjectMeta> | Iterable<ObjectMeta>,
  { after = "", limit }: ListRangeOptions,
): Promise<ObjectMeta[]> {
  const found: ObjectMeta[] = []
  for await (const meta of all) if (byUtf8(meta.key, after) > 0) found.push(meta)
  return found.sort((a, b) => byUtf8(a.key, b.key)).slice(0, limit)
}

/**
 * The part of entries that come in order already. Behind the last one nothing is asked for. An entry at or before `after` is left
 * out: some storages begin with the key itself.
 */
export async function* partOf(
  ordered: AsyncIterable<ObjectMeta>,
  { after, limit = Number.POSITIVE_INFINITY }: ListRangeOptions,
): AsyncGenerator<ObjectMeta, void, void> {
  let left = limit
  for await (const meta of ordered) {
    if (after !== undefined && byUtf8(meta.key, after) <= 0) continue
    yield meta
    if (--left === 0) return
  }
}
