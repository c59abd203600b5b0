import { onAbort, untilAborted } from "../async/abort.js"
import { systemClock } from "../async/clock.js"
import { Mutex } from "../async/mutex.js"
import type { SaveOptions } from "../commit/prepare.js"
import type { SaveReceipt } from "../commit/save.js"
import { CheckpointError } from "../errors.js"
import type { CheckpointManifest, NextManifest } from "../format/manifest/model.js"
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
const endings = new Set(["CKPT_FENCED", "CKPT_CLOSED", "CKPT_INVALID", "CKPT_READ_ONLY", "CKPT_UNSUPPORTED", undefined])

/**
 * Takes checkpoints of a job: every so many records or milliseconds, one at a time, and once more at the end. Makes no request before
 * the first checkpoint is due. It does not close the store.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used
 */
export function createCheckpointer(store: CheckpointerStore, options: CheckpointerOptions): Checkpointer {
  assertCheckpointerOptions(store, options)
  const { snapshot, everyMs, everyRecords, onSaved, signal, onEvent, clock = systemClock } = options
  const turns = new Mutex()
  // Nobody waits any longer, not for the last checkpoint either.
  const stop = new AbortController()
  // Since the last snapshot that was saved, or is being saved.
  let records = 0
  // Since the last snapshot. After a save that failed, the next is not due at once.
  let sinceSnapshot = 0
  let since = clock.monotonic()
  // Never rejects.
  let saving = Promise.resolve()
  let failed: { readonly error: unknown } | undefined
  let ended: { readonly error: unknown } | undefined
  let closing: Promise<void> | undefined

  const isDue = () =>
    records > 0 &&
    ((everyRecords !== undefined && sinceSnapshot >= everyRecords) ||
      (everyMs !== undefined && clock.monotonic() - since >= everyMs))
  const tell = (event: CheckpointerEvent) => {
    try {
      const told: unknown = onEvent?.(event)
      if (told instanceof Promise) told.catch(() => {})
    } catch {}
  }

  /** Takes a snapshot, if there is need of one once the save before has ended, and begins to save it. */
  async function begin(isNeeded: () => boolean): Promise<void> {
    await saving
    if (ended !== undefined) throw ended.error
    stop.signal.throwIfAborted()
    if (!isNeeded()) return
    const covered = records
    const counted = sinceSnapshot
    since = clock.monotonic()
    const image = await untilAborted((async () => snapshot())(), stop.signal)
    assertSnapshot(image)
    // The job goes on, and may change what it gave.
    const { manifest: given, ...source } = image
    const fields = fieldsOf("snapshot", given ?? {})
    records -= covered
    sinceSnapshot -= counted
    failed = undefined
    saving = save(fields, source, covered)
  }

  async function save(fields: NextManifest, source: SaveOptions, covered: number): Promise<void> {
    let manifest: CheckpointManifest | undefined
    let receipt: SaveReceipt | undefined
    for (let attempt = 1; receipt === undefined; attempt++) {
      try {
        manifest ??= await store.nextManifest(fields, { signal: stop.signal })
        receipt = await store.save(manifest, { ...source, signal: stop.signal })
      } catch (error) {
        const delayMs = firstWaitMs * 2 ** (attempt - 1)
        if (attempt < attempts && (await mayRepeat(error, attempt, delayMs))) continue
        // The next checkpoint covers these records, too.
        records += covered
        failed = { error }
        // What nobody listens for must not pass in silence.
        const { code } = error instanceof CheckpointError ? error : {}
        if (endings.has(code) || onEvent === undefined) ended = failed
        return tell({ type: "failed", error, records: covered })
      }
    }
    try {
      await untilAborted((async () => onSaved?.({ receipt, records: covered }))(), stop.signal)
    } catch (error) {
      failed = ended = { error }
    }
  }

  /** Waits before a save is repeated. False if it is not to be repeated: at once, if the job ends meanwhile. */
  async function mayRepeat(error: unknown, attempt: number, delayMs: number): Promise<boolean> {
    if (!(error instanceof CheckpointError) || !error.retryable || signal?.aborted) return false
    tell({ type: "retry", error, attempt, delayMs })
    const over = AbortSignal.any(signal === undefined ? [stop.signal] : [stop.signal, signal])
    return clock.sleep(delayMs, over).then(
      () => true,
      () => false,
    )
  }

  const flush = () =>
    turns.run(async () => {
      await begin(() => records > 0)
      await saving
      if (failed !== undefined) throw failed.error
    })
  async function close(given: CloseCheckpointerOptions = {}): Promise<void> {
    assertCloseOptions(given)
    const { signal: limit } = given
    const giveUp = () => stop.abort(limit?.reason)
    if (limit?.aborted) giveUp()
    const ignore = onAbort(limit, giveUp)
    const error = new CheckpointError("CKPT_CLOSED", "this checkpointer is closed. Create a new one.")
    closing ??= flush().finally(() => {
      ended ??= { error }
    })
    return closing.finally(ignore)
  }
  async function tick(count = 1): Promise<void> {
    if (ended !== undefined) throw ended.error
    assertRecords(count)
    records += count
    sinceSnapshot += count
    if (signal?.aborted) {
      await close()
      throw signal.reason
    }
    // The wait for a save that is under way is the back pressure: no second one begins, and the job does not run ahead.
    if (isDue()) await turns.run(() => begin(isDue))
  }
  return { tick, flush, close, [Symbol.asyncDispose]: close }
}
