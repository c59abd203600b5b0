import { setMaxListeners } from "node:events"
import { ended, Follower, onAbort } from "../async/abort.js"
import type { Clock } from "../async/clock.js"
import type { Gate } from "../async/gate.js"
import { BackendError, type BackendErrorKind } from "../errors.js"
import type { Emit } from "../events.js"

export interface RetryPolicy {
  readonly attempts: number
  readonly minDelayMs: number
  readonly maxDelayMs: number
  readonly deadlineMs: number
  /** Per attempt, and for a body that stands still; {@link timeoutFor} a request that carries bytes. Milliseconds. */
  readonly timeoutMs: number
}

export interface RetryContext {
  readonly policy: RetryPolicy
  readonly clock: Clock
  readonly random: () => number
  readonly emit: Emit
  /** What the backend is busy with: also a request that was given up, until its clean-up has ended. */
  readonly requests: Gate
}

/**
 * 1 Mbit/s: a line on which a request is slower than that is treated as dead. Nothing tells how far the bytes of a request
 * have come, so only time tells a slow line from a dead one.
 */
const slowestBytesPerSecond = 128 * 1024

/** The time-out of a request that carries that many bytes: one second more for each 128 KiB. Milliseconds. */
export function timeoutFor(timeoutMs: number, bytes: number): number {
  return timeoutMs + 1_000 * Math.floor(bytes / slowestBytesPerSecond)
}

// Timers of Node hold 31 bits.
export const longestSleepMs = 2 ** 31 - 1

/** Tells the time-out of an attempt that it goes on. */
export interface Watch {
  /** Bytes moved: the time-out starts again. */
  touch(): void
  /** While the caller's own source is awaited, its slowness is not the storage's. */
  paused<T>(wait: () => Promise<T>): Promise<T>
}

export interface AttemptWatch extends Watch {
  /** The attempt sends that many bytes in one go, during which nobody can `touch`. Said before anything is awaited. */
  carries(bytes: number): void
}

/** True for the error that a time-out of {@link withTimeout} gives, whatever kind it has. */
export function isTimeout(error: unknown): boolean {
  return error instanceof BackendError && error.cause instanceof TimeoutCause
}

class TimeoutCause extends Error {}

/** What a time-out gives. */
export function timeoutError(
  { name, key }: { readonly name: string; readonly key: string },
  kind: BackendErrorKind,
  timeoutMs: number,
): BackendError {
  const cause = new TimeoutCause(`nothing moved for ${timeoutMs} ms`)
  return new BackendError(kind, `${name} of ${key || "the listing"} gave no answer for ${timeoutMs} ms`, { cause })
}

/**
 * Runs one attempt and gives it up when nothing moved for `timeoutMs`, even if the backend ignores its signal. A read
 * that timed out is `transient`; a write is `ambiguous`, as it may still take effect.
 */
export async function withTimeout<T>(
  context: RetryContext,
  operation: { readonly name: string; readonly key: string; readonly write: boolean },
  signal: AbortSignal | undefined,
  one: (signal: AbortSignal, watch: AttemptWatch) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const { clock } = context
  let { timeoutMs } = context.policy
  const attempt = new Follower(signal)
  // One attempt may be many requests: the pages of a listing, the keys of a batch. That is no leak.
  setMaxListeners(0, attempt.signal)
  const settled = new AbortController()

  let last = clock.monotonic()
  let waiting = 0
  const touch = () => {
    last = clock.monotonic()
  }
  const watch: AttemptWatch = {
    touch,
    carries(bytes) {
      timeoutMs = timeoutFor(context.policy.timeoutMs, bytes)
    },
    async paused(wait) {
      waiting++
      try {
        return await wait()
      } finally {
        waiting--
        touch()
      }
    },
  }
  const gaveUp = new Promise<never>((_, reject) => {
    onAbort(attempt.signal, () => reject(attempt.signal.reason))
  })
  gaveUp.catch(() => {})
  const guard = async () => {
    if (!Number.isFinite(timeoutMs)) return
    for (;;) {
      const left = waiting > 0 ? timeoutMs : last + timeoutMs - clock.monotonic()
      if (left <= 0) break
      await clock.sleep(Math.min(left, longestSleepMs), settled.signal)
    }
    attempt.abort(timeoutError(operation, operation.write ? "ambiguous" : "transient", timeoutMs))
  }
  try {
    const answer = context.requests.run(operation.name, () => one(attempt.signal, watch))
    // It ends by the rejection of its sleep; that is no failure.
    guard().catch(() => {})
    return await Promise.race([answer, gaveUp])
  } finally {
    settled.abort(ended)
    attempt.leave()
  }
}
