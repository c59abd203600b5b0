/** How many requests of one kind are under way at once, where an operation needs many. */
export const requestConcurrency = 16

/** Runs `task` for every item, at most `requestConcurrency` at once, results in the order of the items. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  task: (item: T) => Promise<R>,
  limit = requestConcurrency,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  let failed: { error: unknown } | undefined
  const worker = async () => {
    while (failed === undefined && next < items.length) {
      const index = next++
      try {
        results[index] = await task(items[index] as T)
      } catch (error) {
        failed ??= { error }
      }
    }
  }
  // Rejects only when nothing is under way any more, so that nothing runs on behind the caller's back.
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failed !== undefined) throw (failed as { error: unknown }).error
  return results
}
