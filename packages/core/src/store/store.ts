/**
 * The face of the library. Each operation checks its arguments, makes one call into the folders below, and tells the
 * event. Invariant: every operation goes through {@link Calls}, so every error leaves in the same way.
 */

import { KeyedMutex } from "../async/mutex.js"
import { type SaveOptions, saveShape } from "../commit/prepare.js"
import { receiptOf, type SaveReceipt, Saver } from "../commit/save.js"
import { assertSinkName, sinkCommitted } from "../commit/sinks.js"
import { type Change, update } from "../commit/update.js"
import { createManifest } from "../format/manifest/check.js"
import type { CheckpointManifest, NextManifest } from "../format/manifest/model.js"
import type { Given } from "../history/current.js"
import { ids, list, nextId } from "../history/list.js"
import { assertPinName, listPins, pin, unpin } from "../history/pin.js"
import type { CheckpointList, CheckpointSummary } from "../history/summary.js"
import type { Pin } from "../history/view.js"
import type { Shape } from "../input/kinds.js"
import { type OperationOptions, operationShape, type ProgressOptions, writeStateShape } from "../options.js"
import { load, loadLatest, verify } from "../recovery/load.js"
import { type CheckpointChoice, type OpenCheckpointOptions, open, openCheckpointShape } from "../recovery/open.js"
import { readState } from "../recovery/read-state.js"
import { recover } from "../recovery/recover.js"
import { type RecoverOptions, type Recovery, recoverShape } from "../recovery/recovery.js"
import { type Restored, type RestoreOptions, restore } from "../recovery/restore.js"
import { BackgroundRetention } from "../retention/background.js"
import { type CollectOptions, collectOrphans, collectShape, type OrphanReport } from "../retention/orphans.js"
import { assertPolicy, type RetentionPolicy } from "../retention/policy.js"
import { type PruneOptions, type PruneReport, prune, pruneShape } from "../retention/prune.js"
import { removeOne } from "../retention/remove.js"
import type { Checkpoint } from "../state/checkpoint.js"
import type { StateInfo } from "../state/feed.js"
import { type ReadStateOptions, readStateShape, type StateReader } from "../state/reader.js"
import type { StateSource } from "../state/source.js"
import type { Operation } from "../storage/explain.js"
import { type Verification, type VerifyOptions, verifyShape } from "../verify/verified.js"
import type { OpenOptions, StoreOperations } from "./api.js"
import { assertChange, assertChoice, assertId, assertNextManifest, assertVisitor } from "./arguments.js"
import { assemble } from "./assemble.js"
import { Calls } from "./calls.js"
import { register } from "./insides.js"

export class Store implements StoreOperations {
  protected readonly options: OpenOptions
  protected readonly clock
  protected readonly emit
  protected readonly history
  protected readonly calls
  protected readonly saver
  readonly #retention: BackgroundRetention | undefined
  /** Runs the updates of one checkpoint one after the other: two at once would only lose swaps to each other. */
  readonly #updates = new KeyedMutex<number>()
  #closed: Promise<void> | undefined

  /** @param given set for a store that `claim()` gives */
  constructor(options: OpenOptions, given?: Given) {
    const { clock, emit, history, retain } = assemble(options, given)
    this.options = options
    this.clock = clock
    this.emit = emit
    this.history = history
    this.calls = new Calls(history.place.gate, options.backend.name, options.readOnly ?? false)
    this.saver = new Saver(history)
    register(this, { calls: this.calls, clock, emit, history, saver: this.saver })
    if (retain !== undefined) this.#retention = new BackgroundRetention(() => this.#prune(retain, {}), emit)
  }

  // ---- writing

  save(manifest: CheckpointManifest, options: SaveOptions = {}): Promise<SaveReceipt> {
    return this.calls.write("save", manifest?.checkpointId, options, saveShape, async (trace) => {
      const started = this.clock.monotonic()
      const done = await this.saver.save(manifest, options)
      const { outcome, isLatest, latest } = done
      const { checkpointId: id, stateSize = 0 } = done.manifest
      trace.bytes = stateSize
      this.emit({ type: "saved", id, outcome, isLatest, stateSize, elapsedMs: this.clock.monotonic() - started })
      if (latest > id) this.emit({ type: "pointer-superseded", id, current: latest })
      this.#retention?.schedule()
      return receiptOf(done, this.saver.numbering.after(latest))
    })
  }

  nextManifest(fields: NextManifest = {}, options: OperationOptions = {}): Promise<CheckpointManifest> {
    return this.#numbered("nextManifest", fields, options, operationShape)
  }

  async saveNext(fields: NextManifest = {}, options: SaveOptions = {}): Promise<SaveReceipt> {
    return this.save(await this.#numbered("saveNext", fields, options, saveShape), options)
  }

  #numbered(
    operation: "nextManifest" | "saveNext",
    fields: NextManifest,
    options: OperationOptions,
    shape: Shape,
  ): Promise<CheckpointManifest> {
    return this.calls.write(operation, undefined, options, shape, async () => {
      assertNextManifest(operation, fields)
      const numbers = await this.saver.numbering.take(fields.epoch, options.signal)
      return createManifest({ ...fields, ...numbers })
    })
  }

  writeState(id: number, state: StateSource, options: OperationOptions & ProgressOptions = {}): Promise<StateInfo> {
    return this.calls.write("writeState", id, options, writeStateShape, async (trace) => {
      assertId(id, 1)
      const info = await this.saver.writeState(id, state, options)
      trace.bytes = info.size
      return info
    })
  }

  update(id: number, change: Change, options: OperationOptions = {}): Promise<CheckpointManifest> {
    return this.calls.write("update", id, options, operationShape, async () => {
      assertId(id, 1)
      assertChange(change)
      await this.history.others.once(options.signal)
      return this.#update(id, change, options.signal)
    })
  }

  commitSink(id: number, name: string, options: OperationOptions = {}): Promise<CheckpointManifest> {
    return this.calls.write("commitSink", id, options, operationShape, async () => {
      assertId(id, 1)
      assertSinkName(name)
      await this.history.others.once(options.signal)
      return this.#update(id, sinkCommitted(name), options.signal)
    })
  }

  async #update(id: number, change: Change, signal: AbortSignal | undefined): Promise<CheckpointManifest> {
    const changed = await this.#updates.run(id, () => update(this.history, id, change, signal))
    this.emit({ type: "updated", id })
    return changed
  }

  remove(id: number, options: OperationOptions = {}): Promise<boolean> {
    return this.calls.write("remove", id, options, operationShape, async () => {
      assertId(id, 0)
      await this.history.others.once(options.signal)
      await this.#retention?.idle()
      const removed = await removeOne(this.history, id, options.signal)
      if (removed) this.emit({ type: "pruned", removed: [id], failures: 0 })
      return removed
    })
  }

  pin(id: number, name: string, options: OperationOptions = {}): Promise<void> {
    return this.calls.write("pin", id, options, operationShape, async () => {
      assertId(id, 1)
      assertPinName(name)
      await this.history.probe.once(options.signal)
      await pin(this.history, id, name, options.signal)
      this.emit({ type: "pinned", id, name })
    })
  }

  unpin(name: string, options: OperationOptions = {}): Promise<boolean> {
    return this.calls.write("unpin", undefined, options, operationShape, async () => {
      assertPinName(name)
      await this.history.others.once(options.signal)
      const found = await unpin(this.history, name, options.signal)
      if (found) this.emit({ type: "unpinned", name })
      return found
    })
  }

  pins(options: OperationOptions = {}): Promise<Pin[]> {
    return this.calls.run("pins", undefined, options, operationShape, () => listPins(this.history, options.signal))
  }

  prune(policy: RetentionPolicy | undefined = this.options.retain, options: PruneOptions = {}): Promise<PruneReport> {
    const enter = options?.dryRun === true ? "run" : "write"
    return this.calls[enter]("prune", undefined, options, pruneShape, async () => {
      assertPolicy(policy)
      if (enter === "write") await this.history.others.once(options.signal)
      await this.#retention?.idle()
      return this.#prune(policy, options)
    })
  }

  async #prune(policy: RetentionPolicy, options: PruneOptions): Promise<PruneReport> {
    const report = await prune(this.history, policy, options)
    const { removed, failures, dryRun } = report
    if (!dryRun && removed.length + failures.length > 0)
      this.emit({ type: "pruned", removed, failures: failures.length })
    return report
  }

  collectOrphans(options: CollectOptions = {}): Promise<OrphanReport> {
    const enter = options?.dryRun === true ? "run" : "write"
    return this.calls[enter]("collectOrphans", undefined, options, collectShape, async () => {
      if (enter === "write") await this.history.others.once(options.signal)
      const report = await collectOrphans(this.history, options)
      if (!report.dryRun) for (const key of report.removed) this.emit({ type: "orphan-removed", key })
      return report
    })
  }

  // ---- reading

  open(which: CheckpointChoice, options: OpenCheckpointOptions = {}): Promise<Checkpoint> {
    const id = typeof which === "number" ? which : undefined
    return this.#afterRetention(
      "open",
      options,
      openCheckpointShape,
      async () => {
        assertChoice(which)
        return open(this.history, which, options)
      },
      id,
    )
  }

  load(id: number, options: OperationOptions = {}): Promise<CheckpointManifest | undefined> {
    return this.calls.run("load", id, options, operationShape, async () => {
      assertId(id, 0)
      return load(this.history, id, options.signal)
    })
  }

  loadLatest(options: OperationOptions = {}): Promise<CheckpointManifest | undefined> {
    return this.calls.run("loadLatest", undefined, options, operationShape, () =>
      loadLatest(this.history, options.signal),
    )
  }

  ids(options: OperationOptions = {}): Promise<number[]> {
    return this.#afterRetention("ids", options, operationShape, () => ids(this.history, options.signal))
  }

  list(options: OperationOptions = {}): CheckpointList {
    const all = { [Symbol.asyncIterator]: () => this.#list(options) }
    const toArray = async () => {
      const summaries: CheckpointSummary[] = []
      for await (const summary of all) summaries.push(summary)
      return summaries
    }
    return { ...all, toArray }
  }

  async *#list(options: OperationOptions): AsyncGenerator<CheckpointSummary, void, void> {
    // The caller's code runs between two steps, so each step is a call of its own.
    const step = <T>(task: () => Promise<T>) => this.#afterRetention("list", options, operationShape, task)
    yield* list(this.history, options?.signal, step)
  }

  nextId(options: OperationOptions = {}): Promise<number> {
    return this.#afterRetention("nextId", options, operationShape, () => nextId(this.history, options.signal))
  }

  readState(id: number, options: ReadStateOptions = {}): Promise<StateReader | undefined> {
    return this.calls.run("readState", id, options, readStateShape, async () => {
      assertId(id, 0)
      return readState(this.history, id, options)
    })
  }

  verify(id: number, options: VerifyOptions = {}): Promise<Verification> {
    return this.calls.run("verify", id, options, verifyShape, async () => {
      assertId(id, 0)
      return verify(this.history, id, options)
    })
  }

  recover(options: RecoverOptions = {}): Promise<Recovery> {
    return this.#afterRetention("recover", options, recoverShape, () => recover(this.history, this.clock, options))
  }

  restore<T>(visit: (checkpoint: Checkpoint) => Promise<T>, options: RestoreOptions = {}): Promise<Restored<T>> {
    return this.#afterRetention("restore", options, recoverShape, async () => {
      assertVisitor(visit)
      return restore(this.history, this.clock, visit, options)
    })
  }

  /** Runs an operation after the retention of earlier saves, so that it never sees retention half done. */
  #afterRetention<T>(
    operation: Operation,
    options: OperationOptions,
    shape: Shape,
    task: () => Promise<T>,
    id?: number,
  ): Promise<T> {
    return this.calls.run(operation, id, options, shape, async () => {
      await this.#retention?.idle()
      return task()
    })
  }

  // ---- life

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.calls.close()
      await this.#retention?.idle()
      try {
        await this.leave()
      } finally {
        await this.history.place.storage.close()
        if (this.options.ownsBackend === true) await this.options.backend[Symbol.asyncDispose]()
      }
    })()
    return this.#closed
  }

  /** Called once while the store closes, after its last call and before its last request. */
  protected async leave(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
