import { BackendError, CheckpointError, type ObjectBackend } from "@ckpt/core"
import { untilAborted } from "@ckpt/core/adapter"

const attempts = 3
const usualTimeoutMs = 30_000

/** How a question is asked. */
export interface Asking {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds. */
  readonly timeoutMs?: number | undefined
}

/**
 * Asks a backend a question of the command's own, with a time-out, and again after a failure that may pass. Whatever a store asks
 * goes through the store instead.
 *
 * @throws {CheckpointError} `CKPT_DENIED`, `CKPT_TIMEOUT` or `CKPT_IO`
 */
export async function ask<T>(
  backend: ObjectBackend,
  what: string,
  question: (signal: AbortSignal) => Promise<T>,
  { signal, timeoutMs = usualTimeoutMs }: Asking = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    const late = AbortSignal.timeout(timeoutMs)
    try {
      const either = signal === undefined ? late : AbortSignal.any([signal, late])
      // A backend of a third party may ignore its signal. Nobody waits for it any longer.
      return await untilAborted(question(either), either)
    } catch (error) {
      signal?.throwIfAborted()
      const failure = late.aborted ? new BackendError("transient", `no answer within ${timeoutMs} ms`) : error
      if (!(failure instanceof BackendError)) throw failure
      const mayPass = failure.kind === "transient" || failure.kind === "ambiguous"
      if (!mayPass || attempt === attempts) throw explained(backend, what, failure, late.aborted)
    }
  }
}

function explained({ name }: ObjectBackend, what: string, cause: BackendError, isLate: boolean): CheckpointError {
  const code = isLate ? "CKPT_TIMEOUT" : cause.kind === "denied" ? "CKPT_DENIED" : "CKPT_IO"
  return new CheckpointError(code, `${what} failed on ${name}: ${cause.message.replace(/\.$/, "")}.`, {
    backend: name,
    cause,
  })
}
