/** Requests of one kind that are under way at once, at most, where an operation needs many. */
export const requestConcurrency = 16

/**
 * Runs `task` for every item, at most `limit` at once. The results are in the order of the items. After a failure no
 * further item begins; the tasks under way end; then the call rejects with the first failure.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  task: (item: T) => Promise<R>,
  limit = requestConcurrency,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  const queue = items.entries()
  let failed: { readonly error: unknown } | undefined
  const worker = async () => {
    // All workers share one iterator, so each item is taken once, in order.
    for (const [index, item] of queue) {
      try {
        results[index] = await task(item)
      } catch (error) {
        failed ??= { error }
      }
      if (failed !== undefined) return
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failed !== undefined) throw (failed as { readonly error: unknown }).error
  return results
}

/**
 * Waits until all have ended, then rejects with the first failure in the order given. So nothing goes on after the caller was told
 * of a failure, or after `close`.
 */
export async function together<T extends readonly unknown[]>(
  work: readonly [...{ [I in keyof T]: Promise<T[I]> | T[I] }],
): Promise<T> {
  const results = await Promise.allSettled(work)
  for (const result of results) if (result.status === "rejected") throw result.reason
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T
}
