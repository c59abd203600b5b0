/**
 * Waits until all have ended, then rejects with the first failure in the order given. So nothing goes on after the
 * caller was told of a failure.
 */
export async function together<T extends readonly unknown[]>(
  work: readonly [...{ [I in keyof T]: Promise<T[I]> | T[I] }],
): Promise<T> {
  const results = await Promise.allSettled(work)
  for (const result of results) if (result.status === "rejected") throw result.reason
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T
}
