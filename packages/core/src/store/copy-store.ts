import { CheckpointError } from "../errors.js"
import { oldestFirst } from "../format/ids.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { mayCount } from "../history/rule.js"
import { checkOptions } from "../input/check-options.js"
import { aBoolean, aFunction, group, milliseconds, type ShapeOf } from "../input/kinds.js"
import { type OperationOptions, operationShape } from "../options.js"
import { longestSleepMs } from "../storage/attempt.js"
import type { StoreOperations } from "./api.js"
import { copying, copyOne, type Ways } from "./copy.js"

/** How far `copyStore` has come with one checkpoint. */
export interface CopyProgress {
  /** The checkpoint. */
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
   * rejects with its reason. A checkpoint with a pending sink is looked at again in each round. Not together with `ids`. Default: one
   * round.
   */
  follow?:
    | {
        /** Milliseconds from the end of one round to the next. */
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
  /** Those that are damaged, were removed meanwhile, or were removed by retention of `to`, each with the reason. */
  readonly skipped: readonly {
    /** The checkpoint. */
    readonly id: number
    /** Why it was not copied. */
    readonly error: CheckpointError
  }[]
}

const anyIds = {
  fits: (value: unknown) => Array.isArray(value) && value.every((id) => Number.isSafeInteger(id) && id >= 1),
  give: "an array of ids",
}

const shape: ShapeOf<CopyStoreOptions> = {
  fields: {
    ...operationShape.fields,
    ids: anyIds,
    pins: aBoolean,
    follow: group({ fields: { everyMs: milliseconds(1) }, example: "an object such as { everyMs: 1_000 }" }),
    onProgress: aFunction,
  },
}

/**
 * Copies the checkpoints of a store into another, ascending by id, as `copyCheckpoint` does, and their pins. What is there already is
 * passed over, so a copy that was interrupted goes on. Copy into a store before it is claimed: a claim keeps what is there.
 *
 * @throws {CheckpointError} as `copyCheckpoint`, and as `pin` of `to`. Without `ids`, a checkpoint that `from` has damaged, that was
 *   removed meanwhile, or that retention of `to` removed, is in `skipped` instead
 */
export async function copyStore(
  from: StoreOperations,
  to: StoreOperations,
  options: CopyStoreOptions = {},
): Promise<CopyReport> {
  checkOptions("copyStore", options, shape)
  const ways = copying("copyStore", from, to)
  const { ids, follow, signal } = options
  if (follow !== undefined && (ids !== undefined || follow.everyMs === undefined)) {
    const problem = ids === undefined ? "follow has no everyMs" : "ids and follow are given"
    const advice = "give { follow: { everyMs: 1_000 } } to copy each checkpoint that is saved later, or { ids }"
    throw new CheckpointError("CKPT_INVALID", `copyStore: ${problem}; ${advice}.`)
  }
  const round = new Rounds(from, to, ways, options)
  for (;;) {
    signal?.throwIfAborted()
    await round.next()
    if (follow === undefined) return round.report()
    await ways.target.clock.sleep(Math.min(follow.everyMs, longestSleepMs), signal)
  }
}

const ofSourceAlone = new Set<string>(["CKPT_CORRUPT", "CKPT_PRUNED", "CKPT_NOT_FOUND"])

/** The rounds of one call of `copyStore`. */
class Rounds {
  readonly #from: StoreOperations
  readonly #to: StoreOperations
  readonly #ways: Ways
  readonly #options: CopyStoreOptions
  readonly #done = new Map<number, "created" | "existed" | CheckpointError>()
  /** Those of which a sink may still commit. */
  readonly #pending = new Set<number>()
  readonly #pinned = new Set<string>()

  constructor(from: StoreOperations, to: StoreOperations, ways: Ways, options: CopyStoreOptions) {
    this.#from = from
    this.#to = to
    this.#ways = ways
    this.#options = options
  }

  async next(): Promise<void> {
    const { ids, pins = true, signal } = this.#options
    const pending = oldestFirst(this.#pending)
    const all = oldestFirst(new Set(ids ?? (await this.#from.ids({ signal }))))
    const left = all.filter((id) => !this.#done.has(id))
    for (const [done, id] of left.entries()) await this.#copy(id, done, left.length)
    for (const id of pending) await this.#copySinks(id)
    if (pins) await this.#copyPins()
  }

  async #copy(id: number, done: number, total: number): Promise<void> {
    const { signal } = this.#options
    const onProgress = ({ bytesDone, bytesTotal = bytesDone }: { bytesDone: number; bytesTotal?: number }) =>
      this.#tell({ id, done, total, bytesDone, bytesTotal })
    const blamed = new Set<unknown>()
    try {
      const copied = await copyOne(this.#ways, id, { signal, onProgress }, (error) => blamed.add(error))
      this.#done.set(id, copied.outcome)
      if (hasPendingSink(copied.manifest)) this.#pending.add(id)
      this.#tell({ id, done: done + 1, total, bytesDone: copied.stateSize, bytesTotal: copied.stateSize })
    } catch (error) {
      this.#done.set(id, await this.#skippable(id, error, blamed.has(error)))
    }
  }

  /** Gives the error of a checkpoint that is passed over. */
  async #skippable(id: number, error: unknown, isOfSource: boolean): Promise<CheckpointError> {
    if (this.#options.ids !== undefined || !(error instanceof CheckpointError)) throw error
    if (isOfSource && ofSourceAlone.has(error.code)) return error
    if (error.code !== "CKPT_CONFLICT") throw error
    // Retention of the target may go further than that of the source. After a claim nobody knows whether the id was ever there.
    const { calls, history } = this.#ways.target
    const { signal } = this.#options
    const { record } = await calls.run("copy", id, { signal }, operationShape, () => history.current(signal))
    if (record.epoch > 0 || mayCount(id, record)) throw error
    return error
  }

  async #copySinks(id: number): Promise<void> {
    const blamed = new Set<unknown>()
    try {
      const { signal } = this.#options
      const { manifest } = await copyOne(this.#ways, id, { signal }, (error) => blamed.add(error))
      if (!hasPendingSink(manifest)) this.#pending.delete(id)
    } catch (error) {
      await this.#skippable(id, error, blamed.has(error))
      this.#pending.delete(id)
    }
  }

  async #copyPins(): Promise<void> {
    const { signal } = this.#options
    for (const { id, name } of await this.#from.pins({ signal })) {
      if (this.#pinned.has(name) || typeof this.#done.get(id) !== "string") continue
      await this.#to.pin(id, name, { signal })
      this.#pinned.add(name)
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

function hasPendingSink({ sinkCommitStatuses }: CheckpointManifest): boolean {
  return Object.values(sinkCommitStatuses).some(({ status }) => status === "pending")
}
