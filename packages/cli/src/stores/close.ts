/** How long a storage may take to close once the command has failed or was interrupted: a backend may never answer again. */
const graceMs = 3000

/**
 * Waits until something is closed; after a failure or an interruption only for some seconds, since a close waits for the calls that are
 * under way.
 */
export async function closeInTime(
  closing: PromiseLike<void>,
  { signal, hasFailed }: { signal: AbortSignal | undefined; hasFailed: boolean },
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let wait = () => {}
  const overdue = new Promise<void>((resolve) => {
    wait = () => {
      timer ??= setTimeout(resolve, graceMs)
    }
  })
  if (hasFailed || signal?.aborted) wait()
  signal?.addEventListener("abort", wait, { once: true })
  try {
    await Promise.race([closing, overdue])
  } finally {
    signal?.removeEventListener("abort", wait)
    clearTimeout(timer)
  }
}
