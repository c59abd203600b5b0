import type { Original } from "../commit/copy.js"
import { CheckpointError } from "../errors.js"
import { oldestFirst } from "../format/ids.js"
import { checkOptions } from "../input/check-options.js"
import { aBoolean, aFunction, group, milliseconds, type ShapeOf } from "../input/kinds.js"
import { type OperationOptions, operationShape, type ProgressOptions, writeStateShape } from "../options.js"
import { original } from "../recovery/original.js"
import type { StoreOperations } from "./api.js"
import { assertId } from "./arguments.js"
import { type Insides, insidesOf } from "./insides.js"

/** The answer of `copyCheckpoint`. */
export interface CopyReceipt {
  /** The checkpoint, in both stores. */
  readonly id: number
  /** `existed`: the same checkpoint was there already, and its state was not read again. */
  readonly outcome: "created" | "existed"
  /** Bytes of its state. */
  readonly stateSize: number
}

/** How far `copyStore` has come with one checkpoint. */
export interface CopyProgress {
  /** The checkpoint's. */
  readonly id: number
  /** Checkpoints of this round that are done, this one not counted until its bytes are. */
  readonly done: number
  /** Checkpoints of this round. */
  readonly total: number
  /** Bytes of its state that were written so far. */
  readonly bytesDone: number
  /** Bytes of its state. */
  readonly bytesTotal: number
}

/** The options of `copyStore`. */
export interface CopyStoreOptions extends OperationOptions {
  /** The checkpoints to copy. One that is damaged or not there rejects. Default: all; damaged ones are in `skipped`. */
  ids?: readonly number[] | undefined
  /** Also make the pins of the copied checkpoints. Default true. */
  pins?: boolean | undefined
  /**
   * Go on with each checkpoint that is saved later, and look every `everyMs` milliseconds, until the signal is aborted: then the call
   * rejects with its reason. Default: one round.
   */
  follow?:
    | {
        /** Milliseconds from the end of one round to the next. From 1. */
        everyMs: number
      }
    | undefined
  /** Called for each chunk that was written, and once for each checkpoint that is done. Its errors are ignored. */
  onProgress?: ((progress: CopyProgress) => void) | undefined
}

/** The answer of `copyStore`. All ids ascending. */
export interface CopyReport {
  /** The checkpoints that were copied now. */
  readonly copied: readonly number[]
  /** Those that were there already. */
  readonly existed: readonly number[]
  /** Those that are damaged, or were removed meanwhile, each with the reason. */
  readonly skipped: readonly {
    /** The checkpoint's, in `from`. */
    readonly id: number
    /** `CKPT_CORRUPT`, `CKPT_PRUNED` or `CKPT_NOT_FOUND`. */
    readonly error: CheckpointError
  }[]
}

const anyIds = {
  fits: (value: unknown) => Array.isArray(value) && value.every((id) => Number.isSafeInteger(id) && id >= 1),
  give: "an array of ids",
}

const copyStoreShape: ShapeOf<CopyStoreOptions> = {
  fields: {
    ...operationShape.fields,
    ids: anyIds,
    pins: aBoolean,
    follow: group({ fields: { everyMs: milliseconds(1) }, example: "an object such as { everyMs: 1_000 }" }),
    onProgress: aFunction,
  },
}

/**
 * Copies one checkpoint into another store, under the same id: the same bytes of manifest and state. The state is verified while it
 * is copied; the checksums of operators are kept. Only the marks of claims are left out of the manifest, since they belong to the
 * history of the store that was claimed. A copy that is there already is `existed`, so an interrupted copy is simply made again.
 * Retention of `to` is applied by its next save.
 *
 * Rejects with `CKPT_NOT_FOUND` if `from` has no such checkpoint, `CKPT_CORRUPT` if it does not verify, `CKPT_PRUNED` if retention
 * removed it meanwhile, `CKPT_CONFLICT` if the id has other content in `to`, or is used up there: nothing is overwritten.
 */
export function copyCheckpoint(
  from: StoreOperations,
  to: StoreOperations,
  id: number,
  options: OperationOptions & ProgressOptions = {},
): Promise<CopyReceipt> {
  return copyOne(from, to, id, options, new WeakSet())
}

/** @param ofSource takes the errors that `from` is to blame for */
async function copyOne(
  from: StoreOperations,
  to: StoreOperations,
  id: number,
  options: OperationOptions & ProgressOptions,
  ofSource: WeakSet<object>,
): Promise<CopyReceipt> {
  const source = insidesOf("copyCheckpoint", "from", from)
  const target = insidesOf("copyCheckpoint", "to", to)
  return target.calls.write("copy", id, options, writeStateShape, async (trace) => {
    assertId(id, 1)
    const started = target.clock.monotonic()
    const found = await read(source, id, options, ofSource)
    const { outcome, isLatest, latest } = await target.saver.copy(found, options)
    const { stateSize } = found
    trace.bytes = stateSize
    const elapsedMs = target.clock.monotonic() - started
    target.emit({ type: "saved", id, outcome, isLatest, stateSize, elapsedMs })
    if (latest > id) target.emit({ type: "pointer-superseded", id, current: latest })
    return { id, outcome, stateSize }
  })
}

/** The checkpoint in the store that it is copied from. */
async function read(
  { calls, history }: Insides,
  id: number,
  { signal }: OperationOptions,
  ofSource: WeakSet<object>,
): Promise<Original & { readonly stateSize: number }> {
  const blamed = (error: unknown) => {
    if (typeof error === "object" && error !== null) ofSource.add(error)
    return error
  }
  try {
    const found = await calls.run("copy", id, { signal }, operationShape, () => original(history, id, signal))
    if (found === undefined) {
      const message = `checkpoint ${id} does not exist, so it cannot be copied.`
      throw new CheckpointError("CKPT_NOT_FOUND", message, history.place.manifest(id))
    }
    const { state, ...rest } = found
    if (state === undefined) return { ...rest, state: undefined, stateSize: 0 }
    async function* chunks() {
      try {
        yield* state as AsyncIterable<Uint8Array>
      } catch (error) {
        throw blamed(error)
      }
    }
    return { ...rest, state: chunks, stateSize: state.size }
  } catch (error) {
    throw blamed(error)
  }
}

/**
 * Copies the checkpoints of a store into another, ascending by id, as `copyCheckpoint` does, and their pins. What is there already is
 * passed over, so a copy that was interrupted goes on. Copy into a store before it is claimed: a claim keeps what is there.
 *
 * Rejects as `copyCheckpoint` and `pin` do. Without `ids`, a checkpoint that `from` has damaged, or that was removed meanwhile, is in
 * `skipped`.
 */
export async function copyStore(
  from: StoreOperations,
  to: StoreOperations,
  options: CopyStoreOptions = {},
): Promise<CopyReport> {
  checkOptions("copyStore", options, copyStoreShape)
  const { clock } = insidesOf("copyStore", "to", to)
  insidesOf("copyStore", "from", from)
  const { follow, signal } = options
  const copying = new Copying(from, to, options)
  for (;;) {
    signal?.throwIfAborted()
    await copying.round()
    if (follow === undefined) return copying.report()
    await clock.sleep(follow.everyMs, signal)
  }
}

const skippable = new Set<string>(["CKPT_CORRUPT", "CKPT_PRUNED", "CKPT_NOT_FOUND"])

/** One call of `copyStore`. */
class Copying {
  readonly #from: StoreOperations
  readonly #to: StoreOperations
  readonly #options: CopyStoreOptions
  readonly #done = new Map<number, "created" | "existed" | CheckpointError>()
  readonly #pinned = new Set<string>()

  constructor(from: StoreOperations, to: StoreOperations, options: CopyStoreOptions) {
    this.#from = from
    this.#to = to
    this.#options = options
  }

  async round(): Promise<void> {
    const { ids, pins = true, signal } = this.#options
    const all = oldestFirst(new Set(ids ?? (await this.#from.ids({ signal }))))
    const left = all.filter((id) => !this.#done.has(id))
    for (const [done, id] of left.entries()) await this.#copy(id, done, left.length)
    if (!pins) return
    for (const { id, name } of await this.#from.pins({ signal })) {
      if (this.#pinned.has(name) || typeof this.#done.get(id) !== "string") continue
      await this.#to.pin(id, name, { signal })
      this.#pinned.add(name)
    }
  }

  async #copy(id: number, done: number, total: number): Promise<void> {
    const { ids, signal } = this.#options
    const ofSource = new WeakSet<object>()
    const onProgress = ({ bytesDone, bytesTotal = bytesDone }: { bytesDone: number; bytesTotal?: number }) =>
      this.#tell({ id, done, total, bytesDone, bytesTotal })
    try {
      const { outcome, stateSize } = await copyOne(this.#from, this.#to, id, { signal, onProgress }, ofSource)
      this.#done.set(id, outcome)
      this.#tell({ id, done: done + 1, total, bytesDone: stateSize, bytesTotal: stateSize })
    } catch (error) {
      const isSkippable = error instanceof CheckpointError && skippable.has(error.code) && ofSource.has(error)
      if (ids !== undefined || !isSkippable) throw error
      this.#done.set(id, error)
    }
  }

  #tell(progress: CopyProgress): void {
    try {
      const told: unknown = this.#options.onProgress?.(progress)
      if (told instanceof Promise) told.catch(() => {})
    } catch {}
  }

  report(): CopyReport {
    const all = oldestFirst(this.#done.keys()).map((id) => [id, this.#done.get(id)] as const)
    const those = (outcome: string) => all.filter(([, how]) => how === outcome).map(([id]) => id)
    const skipped = all.flatMap(([id, error]) => (error instanceof CheckpointError ? [{ id, error }] : []))
    return { copied: those("created"), existed: those("existed"), skipped }
  }
}
