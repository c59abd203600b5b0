import { ascending } from "../format/ids.js"
import type { Pointer, PointerChange } from "../format/pointer.js"

/**
 * The change that raises the floor to `floor` and keeps the ids in `kept`. Another collector may have raised the floor
 * meanwhile; an id that either collector removes stays removed.
 *
 * Example: the pointer has floor 6 and kept [2, 4]. This collector raises to 8 and keeps [2, 3, 7]. The result is floor
 * 8 and kept [2, 7]: the other collector removed 3, this collector removes 4.
 */
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
 * Drops the claims that are not needed any more: of all claims whose `from` is at or below the floor and below every
 * kept id, only the last stays. Dropping an earlier claim brings nothing back. A manifest that it excluded is either
 * above the last claim's `from`, and the last claim excludes the manifest; or at or below that `from`, and the floor
 * excludes it.
 */
function withoutOldClaims({ claims }: Pointer, floor: number, kept: readonly number[]): PointerChange {
  const lowest = kept.reduce((least, id) => Math.min(least, id), floor + 1)
  const last = claims.findLastIndex((claim) => claim.from < lowest)
  return { floor, kept: [...kept].sort(ascending), ...(last > 0 ? { claims: claims.slice(last) } : {}) }
}
