export const MiB = 1024 * 1024

/** Sizes at which storages begin another page, block, piece or part, and their neighbours, up to a limit; ascending. */
export function boundaries(limit: number): number[] {
  const powers = Array.from({ length: 18 }, (_, index) => 2 ** (index + 7))
  const others = [0, 1000, 1_000_000, 5 * MiB, 20 * MiB]
  const all = [...powers, ...others].flatMap((size) => [size - 1, size, size + 1])
  return [...new Set(all)].filter((size) => size >= 0 && size <= limit + 1).sort((a, b) => a - b)
}
