import { type Clock, systemClock } from "../async/clock.js"
import { Mutex } from "../async/mutex.js"
import { CheckpointError, type CheckpointErrorCode } from "../errors.js"
import { checkOptions } from "../input/check-options.js"
import { aFunction, aSignal, milliseconds, type ShapeOf, wholeNumber, withMethods } from "../input/kinds.js"
import type {
  Checkpointer,
  CheckpointerEvent,
  CheckpointerOptions,
  CheckpointerStore,
  Snapshot,
} from "./checkpointer-api.js"

const shape: ShapeOf<CheckpointerOptions> = {
  fields: {
    snapshot: aFunction,
    everyMs: milliseconds(1),
    everyRecords: wholeNumber(1),
    signal: aSignal,
    onEvent: aFunction,
    clock: withMethods(["monotonic", "sleep"], "an object with monotonic() and sleep()"),
  },
  example: "an object such as { everyRecords: 1_000, snapshot }",
}

/**
 * Takes checkpoints of a job: every so many records or milliseconds, one at a time, and once more at the end. Makes no request before
 * the first checkpoint is due. It does not close the store.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used
 */
export function createCheckpointer(store: CheckpointerStore, options: CheckpointerOptions): Checkpointer {
  checkOptions("createCheckpointer", options ?? null, shape)
  const { snapshot, everyMs, everyRecords } = options
  if (snapshot === undefined || (everyMs ?? everyRecords) === undefined) {
    const message = "createCheckpointer: give { snapshot } and, of { everyMs } and { everyRecords }, at least one."
    throw new CheckpointError("CKPT_INVALID", message)
  }
  return new Loop(store, options)
}

const attempts = 5
const firstWaitMs = 1_000

/** After one of these, no later save can succeed. */
const endings: readonly CheckpointErrorCode[] = [
  "CKPT_FENCED",
  "CKPT_CLOSED",
  "CKPT_INVALID",
  "CKPT_READ_ONLY",
  "CKPT_UNSUPPORTED",
]

class Loop implements Checkpointer {
  readonly #store: CheckpointerStore
  readonly #options: CheckpointerOptions
  readonly #clock: Pick<Clock, "monotonic" | "sleep">
  readonly #turns = new Mutex()
  /** Since the last snapshot. */
  #records = 0
  #since: number
  /** Never rejects. */
  #saving: Promise<void> = Promise.resolve()
  #failure: unknown
  #ended: { readonly error: unknown } | undefined
  #closing: Promise<void> | undefined

  constructor(store: CheckpointerStore, options: CheckpointerOptions) {
    this.#store = store
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#since = this.#clock.monotonic()
  }

  async tick(records = 1): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended.error
    this.#records += records
    const { signal } = this.#options
    if (signal?.aborted) {
      await this.close()
      throw signal.reason
    }
    // The wait for a save that is under way is the back pressure: no second one begins, and the job does not run ahead.
    if (this.#isDue()) await this.#turns.run(() => this.#begin(() => this.#isDue()))
  }

  flush(): Promise<void> {
    return this.#turns.run(async () => {
      await this.#begin(() => this.#records > 0)
      await this.#saving
      if (this.#failure !== undefined) throw this.#failure
    })
  }

  close(): Promise<void> {
    const closed = new CheckpointError("CKPT_CLOSED", "tick: this checkpointer is closed. Create a new one.")
    this.#closing ??= this.flush().finally(() => {
      this.#ended ??= { error: closed }
    })
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #isDue(): boolean {
    const { everyMs = Number.POSITIVE_INFINITY, everyRecords = Number.POSITIVE_INFINITY } = this.#options
    if (this.#records === 0) return false
    return this.#records >= everyRecords || this.#clock.monotonic() - this.#since >= everyMs
  }

  /** Takes a snapshot, if there is need of one once the save before has ended, and begins to save it. */
  async #begin(isNeeded: () => boolean): Promise<void> {
    await this.#saving
    if (this.#ended !== undefined) throw this.#ended.error
    if (!isNeeded()) return
    const records = this.#records
    this.#since = this.#clock.monotonic()
    const taken = await this.#options.snapshot()
    this.#records -= records
    this.#saving = this.#save(taken, records)
  }

  async #save({ manifest: fields, ...source }: Snapshot, records: number): Promise<void> {
    this.#failure = undefined
    let manifest: Awaited<ReturnType<CheckpointerStore["nextManifest"]>> | undefined
    for (let attempt = 1; ; attempt++) {
      try {
        manifest ??= await this.#store.nextManifest(fields)
        const receipt = await this.#store.save(manifest, source)
        this.#tell({ type: "saved", receipt, records })
        return
      } catch (error) {
        const code = error instanceof CheckpointError ? error.code : undefined
        if (error instanceof CheckpointError && error.retryable && attempt < attempts) {
          const delayMs = firstWaitMs * 2 ** (attempt - 1)
          this.#tell({ type: "retry", error, attempt, delayMs })
          await this.#clock.sleep(delayMs)
          continue
        }
        // The next checkpoint covers these records, too.
        this.#records += records
        this.#failure = error
        if (code === undefined || endings.includes(code)) this.#ended = { error }
        this.#tell({ type: "failed", error, records })
        return
      }
    }
  }

  #tell(event: CheckpointerEvent): void {
    try {
      const told: unknown = this.#options.onEvent?.(event)
      if (told instanceof Promise) told.catch(() => {})
    } catch {}
  }
}
