import { systemClock } from "../async/clock.js"
import { KeyedMutex } from "../async/mutex.js"
import { commit } from "../commit/commit.js"
import { createState } from "../commit/create-state.js"
import { prepareSave, type SaveOptions } from "../commit/prepare.js"
import { StatesAhead } from "../commit/states-ahead.js"
import { type Change, update } from "../commit/update.js"
import { CheckpointError } from "../errors.js"
import { safeEmitter } from "../events.js"
import { createLayout, normalizePrefix } from "../format/layout.js"
import { type CheckpointManifest, DEFAULT_VNODE_COUNT } from "../format/manifest/model.js"
import type { Pin } from "../format/pointer.js"
import { claim } from "../history/claim.js"
import { History } from "../history/history.js"
import type { Leader } from "../history/leader.js"
import { ids, list, nextId } from "../history/list.js"
import { assertPinName, listPins, pin, unpin } from "../history/pin.js"
import type { CheckpointSummary } from "../history/summary.js"
import type { OperationOptions, ProgressOptions } from "../options.js"
import { load, loadLatest, verify } from "../recovery/load.js"
import { readState } from "../recovery/read-state.js"
import { recover } from "../recovery/recover.js"
import type { RecoverOptions, Recovery } from "../recovery/recovery.js"
import { type Restored, type RestoreOptions, restore } from "../recovery/restore.js"
import { BackgroundRetention } from "../retention/background.js"
import { type CollectOptions, collectOrphans, type OrphanReport } from "../retention/orphans.js"
import { checkPolicy, type RetentionPolicy } from "../retention/policy.js"
import { type PruneOptions, type PruneReport, prune } from "../retention/prune.js"
import { removeOne } from "../retention/remove.js"
import type { Checkpoint } from "../state/checkpoint.js"
import { openFeed, type StateInfo } from "../state/feed.js"
import { WriteProgress } from "../state/progress.js"
import type { ReadStateOptions, StateReader } from "../state/reader.js"
import type { StateSource } from "../state/source.js"
import type { Operation } from "../storage/explain.js"
import { Place } from "../storage/place.js"
import { Probe } from "../storage/probe.js"
import { retryPolicy } from "../storage/retry.js"
import { Storage } from "../storage/storage.js"
import type { Verification, VerifyOptions } from "../verify/verified.js"
import { Verifier } from "../verify/verifier.js"
import type { CheckpointStore, OpenOptions, SaveReceipt } from "./api.js"
import { assertId, assertVisitor, assertVnodeCount } from "./arguments.js"
import { Calls } from "./calls.js"

/** Opens a store. Nothing is created, read or probed before the first call needs it. */
export async function openCheckpointStore(options: OpenOptions): Promise<CheckpointStore> {
  return new Store(options)
}

/** The face: each operation checks its arguments, makes one call, and tells the event. */
class Store implements CheckpointStore {
  readonly #options: OpenOptions
  readonly #clock
  readonly #emit
  readonly #history: History
  readonly #calls: Calls
  readonly #probe: Probe
  readonly #retain: RetentionPolicy | undefined
  readonly #retention: BackgroundRetention | undefined
  readonly #statesAhead = new StatesAhead()
  /** Updates of one checkpoint, one after the other: racing ourselves would only lose swaps. */
  readonly #updates = new KeyedMutex<number>()
  #closed: Promise<void> | undefined

  constructor(options: OpenOptions, leader?: Leader) {
    const { backend, clock = systemClock, random = Math.random, layout = "objects", prefix } = options
    const vnodeCount = options.expect?.vnodeCount ?? DEFAULT_VNODE_COUNT
    assertVnodeCount(vnodeCount)
    this.#options = options
    this.#clock = clock
    this.#emit = safeEmitter(options.onEvent)
    const policy = retryPolicy(options.retry, options.timeoutMs)
    const storage = new Storage(backend, { policy, clock, random, emit: this.#emit })
    const place = new Place(storage, createLayout(layout, prefix))
    const other = createLayout(layout === "objects" ? "directory" : "objects", prefix)
    this.#history = new History(new Verifier(place, vnodeCount), other, this.#emit, leader)
    this.#probe = new Probe(place)
    this.#calls = new Calls(backend.name, options.readOnly ?? false)
    if (options.retain !== undefined) {
      const retain = checkPolicy(options.retain)
      this.#retain = retain
      this.#retention = new BackgroundRetention(() => this.#prune(retain, {}), this.#emit)
    }
  }

  // ---- writing

  save(manifest: CheckpointManifest, options: SaveOptions = {}): Promise<SaveReceipt> {
    return this.#calls.write("save", manifest?.checkpointId, options, async (trace) => {
      const started = this.#clock.monotonic()
      const job = await prepareSave(this.#history, manifest, options, this.#statesAhead)
      try {
        await this.#probe.once(options.signal)
        const done = await commit(this.#history, job)
        job.saved()
        const { outcome, isLatest, pointer } = done
        const { checkpointId: id, stateChecksum, stateSize = 0 } = done.manifest
        trace.bytes = stateSize
        const elapsedMs = this.#clock.monotonic() - started
        this.#emit({ type: "saved", id, outcome, isLatest, stateSize, elapsedMs })
        if (!isLatest && pointer.checkpointId > id) {
          this.#emit({ type: "pointer-superseded", id, current: pointer.checkpointId })
        }
        this.#retention?.schedule()
        return { id, outcome, isLatest, ...(stateChecksum === null ? {} : { stateChecksum, stateSize }) }
      } finally {
        job.close()
      }
    })
  }

  writeState(id: number, state: StateSource, options: OperationOptions & ProgressOptions = {}): Promise<StateInfo> {
    return this.#calls.write("writeState", id, options, async (trace) => {
      assertId(id, 1)
      const progress = new WriteProgress(options.onProgress)
      const feed = progress.watch(await openFeed(state, options.signal))
      try {
        await this.#probe.once(options.signal)
        const info = await createState(this.#history.place, id, feed, options.signal)
        progress.end(info)
        trace.bytes = info.size
        this.#statesAhead.set(id, info)
        return info
      } finally {
        feed.close()
      }
    })
  }

  update(id: number, change: Change, options: OperationOptions = {}): Promise<CheckpointManifest> {
    return this.#calls.write("update", id, options, async () => {
      assertId(id, 1)
      const changed = await this.#updates.run(id, () => update(this.#history, id, change, options.signal))
      this.#emit({ type: "updated", id })
      return changed
    })
  }

  claim(options: OperationOptions = {}): Promise<CheckpointStore> {
    return this.#calls.write("claim", undefined, options, async () => {
      const { backend } = this.#options
      if (!this.#history.hasClaims && backend.claim !== undefined) {
        const prefix = normalizePrefix(this.#options.prefix ?? "")
        const claimed = await backend.claim({ prefix, signal: options.signal })
        this.#emit({ type: "claimed", epoch: claimed.epoch })
        return new Store({ ...this.#options, backend: claimed.backend, ownsBackend: true })
      }
      await this.#probe.once(options.signal)
      const leader = await claim(this.#history, options.signal)
      this.#emit({ type: "claimed", epoch: leader.writer.epoch, from: leader.from })
      // The backend stays with the store that it came with.
      return new Store({ ...this.#options, ownsBackend: false }, leader)
    })
  }

  remove(id: number, options: OperationOptions = {}): Promise<boolean> {
    return this.#calls.write("remove", id, options, async () => {
      assertId(id, 0)
      await this.#retention?.idle()
      const removed = await removeOne(this.#history, id, options.signal)
      if (removed) this.#emit({ type: "pruned", removed: [id], failures: 0 })
      return removed
    })
  }

  pin(id: number, name: string, options: OperationOptions = {}): Promise<void> {
    return this.#calls.write("pin", id, options, async () => {
      assertId(id, 1)
      assertPinName(name)
      await this.#probe.once(options.signal)
      await pin(this.#history, id, name, options.signal)
      this.#emit({ type: "pinned", id, name })
    })
  }

  unpin(name: string, options: OperationOptions = {}): Promise<boolean> {
    return this.#calls.write("unpin", undefined, options, async () => {
      assertPinName(name)
      const found = await unpin(this.#history, name, options.signal)
      if (found) this.#emit({ type: "unpinned", name })
      return found
    })
  }

  pins(options: OperationOptions = {}): Promise<Pin[]> {
    return this.#calls.run("pins", undefined, options, () => listPins(this.#history, options.signal))
  }

  prune(policy: RetentionPolicy | undefined = this.#retain, options: PruneOptions = {}): Promise<PruneReport> {
    const enter = options.dryRun === true ? "run" : "write"
    return this.#calls[enter]("prune", undefined, options, async () => {
      if (policy === undefined) {
        const message = "prune needs a policy such as { last: 3 }, or a store opened with `retain`."
        throw new CheckpointError("CKPT_INVALID", message)
      }
      checkPolicy(policy)
      await this.#retention?.idle()
      return this.#prune(policy, options)
    })
  }

  async #prune(policy: RetentionPolicy, options: PruneOptions): Promise<PruneReport> {
    const report = await prune(this.#history, policy, options)
    const { removed, failures, dryRun } = report
    if (!dryRun && removed.length + failures.length > 0)
      this.#emit({ type: "pruned", removed, failures: failures.length })
    return report
  }

  collectOrphans(options: CollectOptions = {}): Promise<OrphanReport> {
    const enter = options.dryRun === true ? "run" : "write"
    return this.#calls[enter]("collectOrphans", undefined, options, async () => {
      const report = await collectOrphans(this.#history, options)
      if (!report.dryRun) for (const key of report.removed) this.#emit({ type: "orphan-removed", key })
      return report
    })
  }

  // ---- reading

  load(id: number, options: OperationOptions = {}): Promise<CheckpointManifest | undefined> {
    return this.#calls.run("load", id, options, async () => {
      assertId(id, 0)
      return load(this.#history, id, options.signal)
    })
  }

  loadLatest(options: OperationOptions = {}): Promise<CheckpointManifest | undefined> {
    return this.#calls.run("loadLatest", undefined, options, () => loadLatest(this.#history, options.signal))
  }

  ids(options: OperationOptions = {}): Promise<number[]> {
    return this.#afterRetention("ids", options, () => ids(this.#history, options.signal))
  }

  async *list(options: OperationOptions = {}): AsyncGenerator<CheckpointSummary, void, void> {
    // The generator runs between calls, so each step that reads is an operation of its own.
    yield* list(this.#history, options.signal, (task) => this.#afterRetention("list", options, task))
  }

  nextId(options: OperationOptions = {}): Promise<number> {
    return this.#afterRetention("nextId", options, () => nextId(this.#history, options.signal))
  }

  readState(id: number, options: ReadStateOptions = {}): Promise<StateReader | undefined> {
    return this.#calls.run("readState", id, options, async () => {
      assertId(id, 0)
      return readState(this.#history, id, options)
    })
  }

  verify(id: number, options: VerifyOptions = {}): Promise<Verification> {
    return this.#calls.run("verify", id, options, async () => {
      assertId(id, 0)
      return verify(this.#history, id, options)
    })
  }

  recover(options: RecoverOptions = {}): Promise<Recovery> {
    return this.#afterRetention("recover", options, () => recover(this.#history, this.#clock, options))
  }

  restore<T>(visit: (checkpoint: Checkpoint) => Promise<T>, options: RestoreOptions = {}): Promise<Restored<T>> {
    return this.#afterRetention("restore", options, async () => {
      assertVisitor(visit)
      return restore(this.#history, this.#clock, visit, options)
    })
  }

  /** A reader never sees retention half done. */
  #afterRetention<T>(operation: Operation, options: OperationOptions, task: () => Promise<T>): Promise<T> {
    return this.#calls.run(operation, undefined, options, async () => {
      await this.#retention?.idle()
      return task()
    })
  }

  // ---- life

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#calls.close()
      await this.#retention?.idle()
      if (this.#options.ownsBackend === true) await this.#options.backend[Symbol.asyncDispose]()
    })()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
