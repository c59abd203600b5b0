import { AsyncLocalStorage } from "node:async_hooks"
import { onAbort, untilAborted } from "../async/abort.js"
import { systemClock } from "../async/clock.js"
import { Mutex } from "../async/mutex.js"
import { heldOptions } from "../commit/given-state.js"
import type { SaveOptions } from "../commit/prepare.js"
import type { SaveReceipt } from "../commit/save.js"
import { CheckpointError } from "../errors.js"
import type { CheckpointManifest, NextManifest } from "../format/manifest/model.js"
import { quietly } from "../input/quietly.js"
import { longestSleepMs } from "../storage/attempt.js"
import { fieldsOf } from "./arguments.js"
import type {
  Checkpointer,
  CheckpointerEvent,
  CheckpointerOptions,
  CheckpointerStore,
  CloseCheckpointerOptions,
} from "./checkpointer-api.js"
import {
  assertCheckpointerOptions,
  assertCloseOptions,
  assertRecords,
  assertSnapshot,
} from "./checkpointer-arguments.js"

/** Saves of one checkpoint, at most, and milliseconds before the second of them; each later wait is twice as long. */
const attempts = 5
const firstWaitMs = 1_000

/** After one of these, no later save can succeed. So it is with an error of the caller's own code, which has no code. */
const endingCodes = new Set([
  "CKPT_FENCED",
  "CKPT_CLOSED",
  "CKPT_INVALID",
  "CKPT_READ_ONLY",
  "CKPT_UNSUPPORTED",
  undefined,
])

/**
 * Takes checkpoints of a job: every so many records or milliseconds, one at a time, and once more at the end. Makes no request before
 * the first checkpoint is due. It does not close the store.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used
 */
export function createCheckpointer(store: CheckpointerStore, options: CheckpointerOptions): Checkpointer {
  assertCheckpointerOptions(store, options)
  return new JobCheckpointer(store, options)
}

class JobCheckpointer implements Checkpointer {
  readonly #store: CheckpointerStore
  readonly #options: CheckpointerOptions
  readonly #clock: NonNullable<CheckpointerOptions["clock"]>
  readonly #turns = new Mutex()
  /** Aborted when the job has no time left, not for the last checkpoint either. */
  readonly #limit = new AbortController()
  /** Which of the caller's functions runs, for whatever it calls. */
  readonly #own = new AsyncLocalStorage<{ name: string; isRunning: boolean }>()
  readonly #ignoreAbort: () => void
  /** Since the last snapshot that was saved, or is being saved. */
  #records = 0
  /** Since the last snapshot. After a save that failed, the next is not due at once. */
  #sinceSnapshot = 0
  #snapshotAt: number
  /** The save that is under way. Never rejects. */
  #saving = Promise.resolve()
  /** How the last save failed. */
  #failed: { readonly error: unknown } | undefined
  /** Why no tick can succeed any more. */
  #ended: { readonly error: unknown } | undefined
  #closing: Promise<void> | undefined

  constructor(store: CheckpointerStore, options: CheckpointerOptions) {
    this.#store = store
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#snapshotAt = this.#clock.monotonic()
    this.#ignoreAbort = onAbort(options.signal, () => this.#startLimit())
    if (options.signal?.aborted) this.#startLimit()
  }

  async tick(count = 1): Promise<void> {
    this.#refuseWithin("tick")
    if (this.#ended !== undefined) throw this.#ended.error
    assertRecords(count)
    this.#records += count
    this.#sinceSnapshot += count
    const { signal } = this.#options
    if (signal?.aborted) {
      await this.close()
      throw signal.reason
    }
    // The wait for a save that is under way is the back pressure: no second one begins, and the job does not run ahead.
    if (this.#isDue()) await this.#turns.run(() => this.#begin(() => this.#isDue()))
  }

  async flush(): Promise<void> {
    this.#refuseWithin("flush")
    await this.#turns.run(async () => {
      await this.#begin(() => this.#records > 0)
      await this.#saving
      if (this.#failed !== undefined) throw this.#failed.error
    })
  }

  async close(options: CloseCheckpointerOptions = {}): Promise<void> {
    this.#refuseWithin("close")
    assertCloseOptions(options)
    const { signal } = options
    const giveUp = () => this.#limit.abort(signal?.reason)
    if (signal?.aborted) giveUp()
    const ignore = onAbort(signal, giveUp)
    this.#closing ??= this.flush().finally(() => {
      this.#ended ??= { error: new CheckpointError("CKPT_CLOSED", "this checkpointer is closed. Create a new one.") }
      this.#ignoreAbort()
      this.#limit.abort(this.#ended.error)
    })
    return this.#closing.finally(ignore)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #isDue(): boolean {
    const { everyMs = Number.POSITIVE_INFINITY, everyRecords = Number.POSITIVE_INFINITY } = this.#options
    if (this.#records === 0) return false
    return this.#sinceSnapshot >= everyRecords || this.#clock.monotonic() - this.#snapshotAt >= everyMs
  }

  /** Takes a snapshot, if there is need of one once the save before has ended, and begins to save it. */
  async #begin(isNeeded: () => boolean): Promise<void> {
    await this.#saving
    if (this.#ended !== undefined) throw this.#ended.error
    this.#limit.signal.throwIfAborted()
    if (!isNeeded()) return
    const covered = this.#records
    const counted = this.#sinceSnapshot
    this.#snapshotAt = this.#clock.monotonic()
    const image = await this.#run("snapshot", this.#options.snapshot)
    assertSnapshot(image)
    // The job goes on, and may change what it gave.
    const { manifest: given, ...rest } = image
    const fields = fieldsOf("snapshot", given ?? {})
    const source = heldOptions(rest)
    this.#records -= covered
    this.#sinceSnapshot -= counted
    this.#failed = undefined
    this.#saving = this.#save(fields, source, covered)
  }

  async #save(fields: NextManifest, source: SaveOptions, covered: number): Promise<void> {
    const { signal } = this.#limit
    let manifest: CheckpointManifest | undefined
    let receipt: SaveReceipt | undefined
    for (let attempt = 1; receipt === undefined; attempt++) {
      try {
        manifest ??= await this.#store.nextManifest(fields, { signal })
        receipt = await this.#store.save(manifest, { ...source, signal })
      } catch (error) {
        if (attempt < attempts && (await this.#mayRepeat(error, attempt))) continue
        // The next checkpoint covers these records, too.
        this.#records += covered
        this.#failed = { error }
        // What nobody listens for must not pass in silence.
        const { code } = error instanceof CheckpointError ? error : {}
        if (endingCodes.has(code) || this.#options.onEvent === undefined) this.#ended = this.#failed
        return this.#tell({ type: "failed", error, records: covered })
      }
    }
    const saved = { receipt, manifest: manifest as CheckpointManifest, records: covered }
    try {
      await this.#run("onSaved", () => this.#options.onSaved?.(saved))
    } catch (error) {
      this.#failed = this.#ended = { error }
    }
  }

  /** Waits before a save is repeated. False if it is not to be repeated: at once, if the job ends meanwhile. */
  async #mayRepeat(error: unknown, attempt: number): Promise<boolean> {
    const { signal } = this.#options
    if (!(error instanceof CheckpointError) || !error.retryable || signal?.aborted) return false
    const delayMs = firstWaitMs * 2 ** (attempt - 1)
    this.#tell({ type: "retry", error, attempt, delayMs })
    const ending = [this.#limit.signal, ...(signal === undefined ? [] : [signal])]
    return this.#clock.sleep(delayMs, AbortSignal.any(ending)).then(
      () => true,
      () => false,
    )
  }

  /** Runs the caller's own code, as long as the job has time. */
  async #run<T>(name: string, code: () => T | Promise<T>): Promise<T> {
    const own = { name, isRunning: true }
    try {
      return await untilAborted(
        this.#own.run(own, async () => code()),
        this.#limit.signal,
      )
    } finally {
      own.isRunning = false
    }
  }

  /** The caller's own code is awaited by what it would wait for: without this it would hang, and say nothing. */
  #refuseWithin(call: string): void {
    const own = this.#own.getStore()
    if (own?.isRunning !== true) return
    const message = `${call}: it was called within ${own.name}, and would wait for itself. Call it where tick is called, or abort the signal of the checkpointer.`
    throw new CheckpointError("CKPT_INVALID", message)
  }

  #startLimit(): void {
    const { endWithinMs } = this.#options
    if (endWithinMs === undefined) return
    const message = `the last checkpoint was not saved within ${endWithinMs} ms (endWithinMs). Recovery goes on from the one before.`
    this.#clock.sleep(Math.min(endWithinMs, longestSleepMs), this.#limit.signal).then(
      () => this.#limit.abort(new CheckpointError("CKPT_TIMEOUT", message)),
      () => {},
    )
  }

  #tell(event: CheckpointerEvent): void {
    quietly(() => this.#options.onEvent?.(event))
  }
}
