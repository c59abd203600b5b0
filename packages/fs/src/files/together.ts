/** Waits for all, to their end: nothing may go on behind the back of a caller that was told of a failure. Rejects with the first. */
export async function together<T extends readonly unknown[]>(
  work: readonly [...{ [I in keyof T]: Promise<T[I]> | T[I] }],
): Promise<T> {
  const results = await Promise.allSettled(work)
  for (const result of results) if (result.status === "rejected") throw result.reason
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T
}
