import { CheckpointError } from "@ckpt/core"

/** A storage that gives nothing for so long is given up. */
export const stallMs = 60_000

/**
 * Works as long as the storage gives something.
 *
 * @param work gets the signal of the stall, and a function to be called with each thing that comes
 * @throws {CheckpointError} `CKPT_TIMEOUT` once nothing came for {@link stallMs}, if the work heeds its signal; what the work throws
 */
export async function unlessStalled<T>(work: (signal: AbortSignal, came: () => void) => Promise<T>): Promise<T> {
  const stall = new AbortController()
  const timer = setTimeout(
    () => stall.abort(new CheckpointError("CKPT_TIMEOUT", `The storage gave nothing for ${stallMs / 1_000} s.`)),
    stallMs,
  )
  try {
    return await work(stall.signal, () => timer.refresh())
  } finally {
    clearTimeout(timer)
  }
}
