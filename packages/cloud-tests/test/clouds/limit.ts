/** Runs `task` for every item, at most `limit` at once. */
export async function mapLimit<T>(
  items: readonly T[],
  limit: number,
  task: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values()
  const worker = async () => {
    for (const item of left) await task(item)
  }
  await Promise.all(Array.from({ length: limit }, worker))
}
