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
