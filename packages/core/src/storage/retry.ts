import { BackendError } from "../errors.js"
import { group, type Kind, milliseconds, type ShapeOf, wholeNumber } from "../input/kinds.js"
import { type AttemptWatch, type RetryContext, type RetryPolicy, withTimeout } from "./attempt.js"

/** How often a failed request is made again, and after which waits. The waits are random, up to a limit that doubles. */
export interface RetryOptions {
  /** How often one request is made at most, the first time included. Default 4. */
  attempts?: number | undefined
  /** The longest wait before the second attempt, doubled for each further one. Milliseconds, default 100. */
  minDelayMs?: number | undefined
  /** The longest wait of all. Milliseconds, default 2,000. */
  maxDelayMs?: number | undefined
  /** No attempt starts later than this after the first one, whatever the storage asks for. Milliseconds, default 180,000. */
  deadlineMs?: number | undefined
}

export function retryPolicy(options: RetryOptions | undefined, timeoutMs: number | undefined): RetryPolicy {
  return {
    attempts: options?.attempts ?? 4,
    minDelayMs: options?.minDelayMs ?? 100,
    maxDelayMs: options?.maxDelayMs ?? 2_000,
    deadlineMs: options?.deadlineMs ?? 180_000,
    timeoutMs: timeoutMs ?? 30_000,
  }
}

/** The kinds of {@link RetryOptions}. */
const retryShape: ShapeOf<RetryOptions> = {
  fields: {
    attempts: wholeNumber(1),
    minDelayMs: milliseconds(),
    maxDelayMs: milliseconds(),
    deadlineMs: milliseconds(),
  },
  hints: {
    retries: "give attempts, which counts the first one too: { attempts: 4 }",
    maxRetries: "give attempts, which counts the first one too: { attempts: 4 }",
    timeoutMs: "it is an option of the store, beside retry",
  },
  example: "an object such as { attempts: 4 }",
}

export const aRetry = group(retryShape)

/** 0 would make every request fail. `Infinity`: no time-out. */
export const aTimeout: Kind = {
  fits: (value) => typeof value === "number" && value > 0,
  give: "milliseconds above 0; Infinity means no time-out",
}

/**
 * Makes a request until it is answered, a failure is final, or the attempts are used up: exponential backoff with full
 * jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"), never shorter than the storage's Retry-After.
 * Only `transient` is tried again, and `ambiguous` for operations that may be repeated, unless it is unsettleable.
 */
export function withRetry<T>(
  context: RetryContext,
  operation: { readonly name: string; readonly key: string; readonly write: boolean; readonly repeatable: boolean },
  signal: AbortSignal | undefined,
  one: (signal: AbortSignal, watch: AttemptWatch) => Promise<T>,
  canRepeat: () => boolean = () => true,
): Promise<T> {
  const { policy, clock, requests } = context
  return requests.run(operation.name, async () => {
    const started = clock.monotonic()
    let unclear = false
    for (let attempt = 1; ; attempt++) {
      try {
        return await withTimeout(context, operation, signal, one)
      } catch (error) {
        signal?.throwIfAborted()
        if (!(error instanceof BackendError)) throw error
        unclear ||= operation.write && error.kind === "ambiguous"
        const final = unclear ? stillUnclear(error) : error
        if (attempt >= policy.attempts || !canRepeat()) throw final
        const mayRepeat = operation.repeatable && !error.unsettleable
        const passing = error.kind === "transient" || (error.kind === "ambiguous" && mayRepeat)
        if (!passing) throw final
        try {
          await backOff(context, operation, attempt, error, signal, started + policy.deadlineMs)
        } catch (failure) {
          throw failure === error ? final : failure
        }
      }
    }
  })
}

/** An earlier attempt may have taken effect: that the last one certainly did not says nothing of it. */
function stillUnclear(last: BackendError): BackendError {
  if (last.kind === "ambiguous" || last.kind === "precondition") return last
  return new BackendError("ambiguous", last.message, { cause: last })
}

/**
 * Waits before the next attempt; ends at once with the signal's reason when it is aborted, and with the failure itself
 * if the attempt would start after `deadline` (by the monotonic clock).
 */
export async function backOff(
  context: RetryContext,
  operation: { readonly name: string; readonly key: string },
  attempt: number,
  error: BackendError,
  signal: AbortSignal | undefined,
  deadline = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { minDelayMs, maxDelayMs } = context.policy
  const ceiling = Math.min(maxDelayMs, minDelayMs * 2 ** (attempt - 1))
  const delayMs = Math.max(context.random() * ceiling, error.retryAfterMs ?? 0)
  // Waiting past the deadline only to give up then would help nobody.
  if (context.clock.monotonic() + delayMs > deadline) throw error
  context.emit({ type: "retry", operation: operation.name, key: operation.key, attempt, delayMs, error })
  await context.clock.sleep(delayMs, signal)
}

/**
 * The attempts of a request that its maker repeats: a write whose answers get lost, each of which is settled by reading back before
 * the next, or a claim. The number of attempts and the waits between them are those of any other request.
 */
export class LostAnswers {
  readonly #context: RetryContext
  readonly #operation: { readonly name: string; readonly key: string }
  readonly #deadline: number
  #attempts = 0

  constructor(context: RetryContext, operation: { readonly name: string; readonly key: string }) {
    this.#context = context
    this.#operation = operation
    this.#deadline = context.clock.monotonic() + context.policy.deadlineMs
  }

  /** Waits for the next attempt after `error`. False: there is none, the outcome stays as it is. */
  async tryAgain(error: BackendError, signal?: AbortSignal): Promise<boolean> {
    if (error.unsettleable || ++this.#attempts >= this.#context.policy.attempts) return false
    try {
      await backOff(this.#context, this.#operation, this.#attempts, error, signal, this.#deadline)
    } catch (failure) {
      if (failure === error) return false
      throw failure
    }
    return true
  }
}
