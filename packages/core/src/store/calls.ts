import { type TracingChannel, tracingChannel } from "node:diagnostics_channel"
import { setMaxListeners } from "node:events"
import { untilAborted } from "../async/abort.js"
import type { Gate } from "../async/gate.js"
import { BackendError, CheckpointError } from "../errors.js"
import { checkOptions } from "../input/check-options.js"
import type { Shape } from "../input/kinds.js"
import type { OperationOptions } from "../options.js"
import { aboutSubject, explain, type Operation, type Subject } from "../storage/explain.js"

/** The message of a tracing channel `ckpt:<operation>` (`node:diagnostics_channel`). Node adds `result` and `error`. */
export interface TraceContext {
  /** The method of the store, such as "save", or "objects.create" for a method of `openObjects`. */
  readonly operation: string
  /** The storage's name. */
  readonly backend: string
  /** The checkpoint that the call names. */
  readonly id?: number
  /** The object that the call names, of `openObjects`. */
  readonly key?: string
  /** Bytes of the state, once known. */
  bytes?: number
  /** Milliseconds, once the call has ended. */
  elapsedMs?: number
}

const channels = new Map<Operation, TracingChannel<unknown, TraceContext>>()

function channelOf(operation: Operation): TracingChannel<unknown, TraceContext> {
  let channel = channels.get(operation)
  if (channel === undefined) {
    channel = tracingChannel<unknown, TraceContext>(`ckpt:${operation}`)
    channels.set(operation, channel)
  }
  return channel
}

/**
 * The gate of every call. On the way in it refuses calls of a closed or a read-only store, and options that cannot be used; and it
 * traces. On the way out it is the one place where a backend's failure becomes a user's error.
 */
export class Calls {
  readonly #backend: string
  readonly #readOnly: boolean
  readonly #gate: Gate

  constructor(gate: Gate, backend: string, readOnly: boolean) {
    this.#gate = gate
    this.#backend = backend
    this.#readOnly = readOnly
  }

  /** Runs an operation that changes the storage. */
  write<T>(
    operation: Operation,
    subject: Subject,
    options: OperationOptions,
    shape: Shape,
    task: (trace: TraceContext) => Promise<T>,
  ): Promise<T> {
    return this.run(operation, subject, options, shape, async (trace) => {
      if (this.#readOnly) {
        const message = `${operation} would write, and this store was opened with readOnly. Open it without readOnly.`
        throw new CheckpointError("CKPT_READ_ONLY", message, { backend: this.#backend })
      }
      return task(trace)
    })
  }

  /** Runs an operation that only reads. */
  run<T>(
    operation: Operation,
    subject: Subject,
    options: OperationOptions,
    shape: Shape,
    task: (trace: TraceContext) => Promise<T>,
  ): Promise<T> {
    const { checkpointId: id, key } = aboutSubject(subject)
    const named = { ...(id === undefined ? {} : { id }), ...(key === undefined ? {} : { key }) }
    const trace: TraceContext = { operation, backend: this.#backend, ...named }
    const guarded = async () => {
      this.#gate.assertOpen(operation)
      checkOptions(operation, options, shape, aboutSubject(subject))
      const { signal } = options
      signal?.throwIfAborted()
      // Hundreds of requests of one operation may listen to one signal. This is no leak, so Node must not warn.
      if (signal !== undefined) setMaxListeners(0, signal)
      const started = performance.now()
      try {
        // Some requests do not listen to the signal: saves share the pointer's swap. The caller need not wait for them;
        // `close` does.
        return await untilAborted(
          this.#gate.run(operation, () => task(trace)),
          signal,
        )
      } catch (error) {
        signal?.throwIfAborted()
        throw error instanceof BackendError ? explain(this.#backend, operation, subject, error) : error
      } finally {
        trace.elapsedMs = performance.now() - started
      }
    }
    return channelOf(operation).tracePromise(guarded, trace) as Promise<T>
  }

  /** Refuses later calls and waits for the calls under way, also for those that go on after their caller aborted. */
  async close(): Promise<void> {
    this.#gate.shut()
    await this.#gate.ended()
  }
}
