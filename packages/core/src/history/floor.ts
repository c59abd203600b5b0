import { ascending } from "../format/ids.js"
import type { Pointer, PointerChange } from "../format/pointer.js"

/** Two collectors may raise the floor at once; nothing that either of them removed may come back. */
export function mergeFloor(current: Pointer, floor: number, kept: readonly number[]): PointerChange {
  if (floor <= current.floor) {
    const removed = new Set([...current.kept].filter((id) => id <= floor && !kept.includes(id)))
    return withoutOldClaims(
      current,
      current.floor,
      [...current.kept].filter((id) => !removed.has(id)),
    )
  }
  const stays = kept.filter((id) => id <= floor && (id > current.floor || current.kept.has(id)))
  return withoutOldClaims(current, floor, [...new Set(stays)])
}

/**
 * Of the claims that lie below everything that is kept, the last one says all that those before it said: what they shut
 * out is shut out by it, or has an id that the floor shuts out.
 */
function withoutOldClaims({ claims }: Pointer, floor: number, kept: readonly number[]): PointerChange {
  const lowest = kept.reduce((least, id) => Math.min(least, id), floor + 1)
  const last = claims.findLastIndex((claim) => claim.from < lowest)
  return { floor, kept: [...kept].sort(ascending), ...(last > 0 ? { claims: claims.slice(last) } : {}) }
}
