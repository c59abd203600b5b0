import type { Work } from "../async/turns.js"

/**
 * Orders strings as their UTF-8 bytes are ordered, which is the order of code points and the reference's. JavaScript's own order
 * is that of UTF-16, where "🦀" (a surrogate pair) comes before "￮" (U+FFEE).
 */
export function byUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Surrogates stand for code points above U+FFFF, so they go behind every other unit. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

const namesAtOnce = 4096

/** The names in the order of {@link byUtf8}, as work with pauses: sorted runs are merged, two and two. */
export function* sortingByUtf8(names: readonly string[]): Work<readonly string[]> {
  if (names.length <= namesAtOnce) return [...names].sort(byUtf8)
  const half = Math.ceil(names.length / 2)
  const left = yield* sortingByUtf8(names.slice(0, half))
  const right = yield* sortingByUtf8(names.slice(half))
  const merged: string[] = []
  for (let [l, r] = [0, 0]; merged.length < names.length; ) {
    if (merged.length % namesAtOnce === 0) yield
    const [a, b] = [left[l], right[r]]
    const takesLeft = b === undefined || (a !== undefined && byUtf8(a, b) <= 0)
    merged.push((takesLeft ? a : b) as string)
    if (takesLeft) l++
    else r++
  }
  return merged
}
