/**
 * The face of the library. Each operation checks its arguments, makes one call into the folders below, and tells the
 * event. Invariant: every operation goes through `calls`, so every error leaves in the same way.
 */

import { KeyedMutex } from "../async/mutex.js"
import { heldOptions } from "../commit/given-state.js"
import { type SaveOptions, saveShape } from "../commit/prepare.js"
import { receiptOf, type SaveReceipt, Saver } from "../commit/save.js"
import { assertSinkName, sinkCommitted } from "../commit/sinks.js"
import { type Change, update } from "../commit/update.js"
import { createManifest } from "../format/manifest/check.js"
import type { CheckpointManifest, NextManifest } from "../format/manifest/model.js"
import type { Given } from "../history/current.js"
import { assertPinName, pin, unpin } from "../history/pin.js"
import type { Shape } from "../input/kinds.js"
import { type OperationOptions, operationShape, type ProgressOptions, writeStateShape } from "../options.js"
import { type CollectOptions, collectOrphans, collectShape, type OrphanReport } from "../retention/orphans.js"
import { assertPolicy, type RetentionPolicy } from "../retention/policy.js"
import { type PruneOptions, type PruneReport, pruneShape } from "../retention/prune.js"
import { removeOne } from "../retention/remove.js"
import type { StateInfo } from "../state/feed.js"
import { hearErrors } from "../state/read-once.js"
import type { StateSource } from "../state/source.js"
import type { OpenOptions, StoreOperations } from "./api.js"
import { assertChange, assertId, fieldsOf } from "./arguments.js"
import { register } from "./insides.js"
import { ReadingStore } from "./reading.js"
import { tellSaved } from "./tell-saved.js"

/** A store: what {@link ReadingStore} reads, and all that writes. */
export class Store extends ReadingStore implements StoreOperations {
  protected readonly saver
  /** Runs the updates of one checkpoint one after the other: two at once would only lose swaps to each other. */
  readonly #updates = new KeyedMutex<number>()

  /** @param given set for a store that `claim()` gives */
  constructor(options: OpenOptions, given?: Given) {
    super(options, given)
    const { calls, clock, emit, history } = this
    this.saver = new Saver(history)
    register(this, { calls, clock, emit, history, saver: this.saver })
  }

  save(manifest: CheckpointManifest, given: SaveOptions = {}): Promise<SaveReceipt> {
    const options = heldOptions(given)
    return this.calls.write("save", manifest?.checkpointId, options, saveShape, async (trace) => {
      const started = this.clock.monotonic()
      const done = await this.saver.save(manifest, options)
      const { checkpointId: id, stateSize = 0 } = done.manifest
      trace.bytes = stateSize
      tellSaved(this.emit, { ...done, id, stateSize }, this.clock.monotonic() - started)
      this.retention?.schedule()
      return receiptOf(done, this.saver.numbering.after(done.latest))
    })
  }

  nextManifest(fields: NextManifest = {}, options: OperationOptions = {}): Promise<CheckpointManifest> {
    return this.#numbered("nextManifest", fields, options, operationShape)
  }

  async saveNext(fields: NextManifest = {}, options: SaveOptions = {}): Promise<SaveReceipt> {
    const held = heldOptions(options)
    return this.save(await this.#numbered("saveNext", fields, held, saveShape), held)
  }

  #numbered(
    operation: "nextManifest" | "saveNext",
    fields: NextManifest,
    options: OperationOptions,
    shape: Shape,
  ): Promise<CheckpointManifest> {
    return this.calls.write(operation, undefined, options, shape, async () => {
      const copy = fieldsOf(operation, fields)
      const numbers = await this.saver.numbering.take(copy.epoch, options.signal)
      return createManifest({ ...copy, ...numbers })
    })
  }

  writeState(id: number, state: StateSource, options: OperationOptions & ProgressOptions = {}): Promise<StateInfo> {
    hearErrors(state)
    return this.calls.write("writeState", id, options, writeStateShape, async (trace) => {
      assertId("writeState(id, state)", id, 1)
      const info = await this.saver.writeState(id, state, options)
      trace.bytes = info.size
      return info
    })
  }

  update(id: number, change: Change, options: OperationOptions = {}): Promise<CheckpointManifest> {
    return this.calls.write("update", id, options, operationShape, async () => {
      assertId("update(id, change)", id, 1)
      assertChange(change)
      await this.history.others.once(options.signal)
      return this.#update(id, change, options.signal)
    })
  }

  commitSink(id: number, name: string, options: OperationOptions = {}): Promise<CheckpointManifest> {
    return this.calls.write("commitSink", id, options, operationShape, async () => {
      assertId("commitSink(id, name)", id, 1)
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
      assertId("remove(id)", id, 0)
      await this.history.others.once(options.signal)
      await this.retention?.idle()
      const removed = await removeOne(this.history, id, options.signal)
      if (removed) this.emit({ type: "pruned", removed: [id], failures: 0 })
      return removed
    })
  }

  pin(id: number, name: string, options: OperationOptions = {}): Promise<void> {
    return this.calls.write("pin", id, options, operationShape, async () => {
      assertId("pin(id, name)", id, 1)
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

  prune(policy: RetentionPolicy | undefined = this.options.retain, options: PruneOptions = {}): Promise<PruneReport> {
    const enter = options?.dryRun === true ? "run" : "write"
    return this.calls[enter]("prune", undefined, options, pruneShape, async () => {
      assertPolicy(policy)
      if (enter === "write") await this.history.others.once(options.signal)
      await this.retention?.idle()
      return this.pruned(policy, options)
    })
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
}
