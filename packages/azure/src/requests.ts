/** One request: an abort rejects with the signal's own reason, any other failure with what `toError` makes of it. */
export async function settled<T>(
  signal: AbortSignal | undefined,
  one: () => Promise<T>,
  toError: (error: unknown) => Error,
): Promise<T> {
  signal?.throwIfAborted()
  try {
    return await one()
  } catch (error) {
    signal?.throwIfAborted()
    throw toError(error)
  }
}
