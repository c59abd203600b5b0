import { mapConcurrently } from "../async/concurrency.js"
import { CheckpointError, type CheckpointErrorCode } from "../errors.js"
import { oldestFirst } from "../format/ids.js"
import { missing } from "../history/missing.js"
import { listPins, pin } from "../history/pin.js"
import { rememberLost } from "../history/remember-lost.js"
import { mayCount } from "../history/rule.js"
import { quietly } from "../input/quietly.js"
import { operationShape, type Progress } from "../options.js"
import { assertNotElsewhere } from "../recovery/elsewhere.js"
import { damaged } from "../recovery/load.js"
import { type CopyReceipt, copyOne, type Endpoints } from "./copy.js"
import type { CopyProgress, CopyReport, CopySkipped, CopyStoreOptions } from "./copy-store-api.js"

/** What became of a checkpoint. */
interface Known {
  /** Of its objects, as they were listed before they were read. */
  readonly version: string
  /** An error: it was passed over. */
  readonly outcome: CopyReceipt["outcome"] | CheckpointError
}

/** The rounds of one call of `copyStore`. */
export class CopyRounds {
  readonly #endpoints: Endpoints
  readonly #options: CopyStoreOptions
  readonly #known = new Map<number, Known>()
  /** The pins that this call made, or found as they are. */
  readonly #pinned = new Map<string, number>()
  /** The pins that were not made, as they were told. */
  readonly #unpinned = new Map<string, CopySkipped>()
  /** The highest id that the source believes to have seen. */
  #highest = 0
  #remembered = 0

  constructor(endpoints: Endpoints, options: CopyStoreOptions) {
    this.#endpoints = endpoints
    this.#options = options
  }

  /** Copies what is new, and looks again at what changed: each listing shows which. */
  async next(): Promise<void> {
    const { ids, pins = true, concurrency = 4 } = this.#options
    const listed = ids === undefined ? await this.#list() : new Map(ids.map((id) => [id, ""]))
    for (const id of this.#known.keys()) if (!listed.has(id)) this.#known.delete(id)
    const left = oldestFirst(listed.keys()).filter((id) => this.#known.get(id)?.version !== listed.get(id))
    const round = { done: 0, total: left.length }
    // Whoever recovers from a copy that broke off must find no gap: each is written after all that are older.
    let older: Promise<unknown> = Promise.resolve()
    await mapConcurrently(
      left,
      (id) => {
        const before = older
        const own = this.#copy(id, listed.get(id) ?? "", round, () => before)
        // Without the answers: each would hold that before it, to the first of 100,000.
        older = Promise.all([before, own]).then(() => {})
        older.catch(() => {})
        return own
      },
      concurrency,
    )
    if (ids === undefined) await this.#rememberLost()
    if (pins) await this.#copyPins()
  }

  /** The ids of the source, each with the version of its objects. One that is lost is passed over here. */
  async #list(): Promise<Map<number, string>> {
    const { operation, source } = this.#endpoints
    const { follow, signal } = this.#options
    const { calls, emit, history } = source
    return calls.run(operation, undefined, { signal }, operationShape, async () => {
      const view = await history.view(signal, { of: follow === undefined ? "manifests" : "everything" })
      const { manifests, states } = view.listing
      const ids = view.latestFirst()
      if (ids.length + view.lacking.length === 0)
        await assertNotElsewhere(history, await history.lister.everything(signal), signal)
      this.#highest = view.nextId(emit) - 1
      for (const id of view.lacking) {
        const error = damaged(history, id, missing(history.place, view, id).issues)
        if (this.#known.get(id)?.version !== "") this.#skip({ id, error })
        this.#known.set(id, { version: "", outcome: error })
      }
      const versions = ids.map((id) => [id, `${manifests.get(id)?.version} ${states.get(id)?.version}`] as const)
      return new Map([...versions, ...view.lacking.map((id) => [id, ""] as const)])
    })
  }

  async #copy(
    id: number,
    version: string,
    round: { done: number; readonly total: number },
    turn: () => Promise<unknown>,
  ): Promise<void> {
    const { depth, replaceDamaged, ids, signal } = this.#options
    const { total } = round
    const onProgress = ({ bytesDone, bytesTotal = bytesDone }: Progress) =>
      this.#tell({ id, done: round.done, total, bytesDone, bytesTotal })
    try {
      const options = { depth, replaceDamaged, signal, onProgress }
      const { outcome, stateSize } = await copyOne(this.#endpoints, id, options, turn)
      this.#known.set(id, { version, outcome })
      round.done++
      this.#tell({ id, done: round.done, total, bytesDone: stateSize, bytesTotal: stateSize })
    } catch (error) {
      if (ids !== undefined || !(await this.#concernsOnly(id, error))) throw error
      this.#known.set(id, { version, outcome: error as CheckpointError })
      round.done++
      this.#skip({ id, error: error as CheckpointError })
    }
  }

  /** True if the others can be copied all the same. */
  async #concernsOnly(id: number, error: unknown): Promise<boolean> {
    if (isAbout(id, error, "CKPT_CORRUPT", "CKPT_PRUNED", "CKPT_NOT_FOUND")) return true
    if (!isAbout(id, error, "CKPT_CONFLICT")) return false
    // The stores fitted together in an earlier round: the original was changed since, for example its labels.
    if (this.#known.has(id)) return true
    // Retention of the target may go further than that of the source. After a claim nobody knows whether the id was ever there.
    const { operation, target } = this.#endpoints
    const { calls, history } = target
    const { signal } = this.#options
    const { record } = await calls.run(operation, id, { signal }, operationShape, () => history.current(signal))
    return record.epoch === 0 && !mayCount(id, record)
  }

  /** If the source's latest checkpoint could not be copied, the target must not give its id to another. */
  async #rememberLost(): Promise<void> {
    const latest = oldestFirst(this.#known.keys()).findLast((id) => {
      const { outcome } = this.#known.get(id) as Known
      return id <= this.#highest && (typeof outcome === "string" || outcome.code === "CKPT_CORRUPT")
    })
    if (latest === undefined || typeof this.#known.get(latest)?.outcome === "string" || latest === this.#remembered)
      return
    const { operation, target } = this.#endpoints
    const { calls, history, saver } = target
    const { signal } = this.#options
    await calls.write(operation, latest, { signal }, operationShape, () => rememberLost(history, latest, signal))
    saver.numbering.forget()
    this.#remembered = latest
  }

  async #copyPins(): Promise<void> {
    const { operation, source } = this.#endpoints
    const { signal } = this.#options
    const { calls, history } = source
    const pins = await calls.run(operation, undefined, { signal }, operationShape, () => listPins(history, signal))
    for (const { id, name } of pins) {
      const known = this.#known.get(id)
      if (known !== undefined && typeof known.outcome === "string" && this.#pinned.get(name) !== id)
        await this.#copyPin(id, name)
    }
  }

  async #copyPin(id: number, name: string): Promise<void> {
    const { operation, target } = this.#endpoints
    const { signal, pins } = this.#options
    const { calls, emit, history } = target
    try {
      const instead = pins === "move" ? "any" : this.#pinned.get(name)
      await calls.write(operation, id, { signal }, operationShape, async () => {
        await history.probe.once(signal)
        await pin(history, id, name, signal, instead)
      })
      this.#pinned.set(name, id)
      this.#unpinned.delete(name)
      emit({ type: "pinned", id, name })
    } catch (failure) {
      if (!isAbout(id, failure, "CKPT_CONFLICT", "CKPT_CORRUPT", "CKPT_NOT_FOUND", "CKPT_PRUNED")) throw failure
      const error = failure.code === "CKPT_CONFLICT" ? notMoved(failure, id, name) : failure
      const told = this.#unpinned.get(name)
      this.#unpinned.set(name, { id, pin: name, error })
      if (told?.id !== id || told.error.code !== error.code) this.#skip({ id, pin: name, error })
      // What retention of the target removed is used up there, so it is not asked for again.
      if (error.code === "CKPT_NOT_FOUND" || error.code === "CKPT_PRUNED") this.#pinned.set(name, id)
    }
  }

  #skip(skipped: CopySkipped): void {
    quietly(() => this.#options.onSkipped?.(skipped))
  }

  #tell(progress: CopyProgress): void {
    quietly(() => this.#options.onProgress?.(progress))
  }

  report(): CopyReport {
    const all = oldestFirst(this.#known.keys()).map((id) => ({ id, outcome: this.#known.get(id)?.outcome }))
    const those = (outcome: CopyReceipt["outcome"]) => all.filter((one) => one.outcome === outcome).map(({ id }) => id)
    const errors = all.flatMap(({ id, outcome: error }) => (error instanceof CheckpointError ? [{ id, error }] : []))
    const pins = [...this.#unpinned.values()].sort((a, b) => a.id - b.id)
    return {
      copied: those("created"),
      existed: those("existed"),
      replaced: those("replaced"),
      skipped: [...errors, ...pins],
    }
  }
}

function notMoved(cause: CheckpointError, id: number, name: string): CheckpointError {
  const message = `copyStore: ${name} pins checkpoint ${id} in the store that is copied. In the copy, ${cause.message} Or give pins: "move".`
  const { checkpointId, key, backend } = cause
  return new CheckpointError("CKPT_CONFLICT", message, { checkpointId, key, backend, cause })
}

/** True if an error has one of these codes, and is about this checkpoint: that of a lost history, for example, is about none. */
function isAbout(id: number, error: unknown, ...codes: readonly CheckpointErrorCode[]): error is CheckpointError {
  return error instanceof CheckpointError && error.checkpointId === id && codes.includes(error.code)
}
