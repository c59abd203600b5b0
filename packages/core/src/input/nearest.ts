/** The known name that was probably meant; `undefined` if none is near. Upper and lower case are one. */
export function nearest(given: string, known: Iterable<string>): string | undefined {
  const lower = given.slice(0, longest).toLowerCase()
  let best: { readonly name: string; readonly distance: number } | undefined
  for (const name of known) {
    const other = name.slice(0, longest).toLowerCase()
    const isBegun = Math.min(lower.length, other.length) >= 3 && (other.startsWith(lower) || lower.startsWith(other))
    const distance = isBegun ? Math.min(1, Math.abs(lower.length - other.length)) : edits(lower, other)
    const limit = Math.max(1, Math.floor(Math.max(lower.length, other.length) / 3))
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { name, distance }
  }
  return best?.name
}

/** Names are cut to so many characters before they are compared. */
const longest = 64

/** Letters that are to be added, removed, replaced, or swapped with their neighbour (optimal string alignment). */
function edits(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1]
      let least = Math.min(
        (above[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (above[column - 1] as number) + (isSame ? 0 : 1),
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, (before[column - 2] as number) + 1)
      }
      current.push(least)
    }
    before = above
    above = current
  }
  return above[b.length] as number
}
