import type { CheckpointManifest } from "../format/manifest/model.js"
import type { Given } from "../history/current.js"
import { type Leadership, leadership } from "../history/leadership.js"
import { ids, type ListOptions, list, listShape, nextId } from "../history/list.js"
import { listPins } from "../history/pin.js"
import type { CheckpointList, CheckpointSummary } from "../history/summary.js"
import type { Pin } from "../history/view.js"
import type { Shape } from "../input/kinds.js"
import { type OperationOptions, operationShape } from "../options.js"
import { load, loadLatest, verify } from "../recovery/load.js"
import { type CheckpointChoice, type OpenCheckpointOptions, open, openCheckpointShape } from "../recovery/open.js"
import { readState } from "../recovery/read-state.js"
import { recover } from "../recovery/recover.js"
import { type RecoverOptions, type Recovery, recoverShape } from "../recovery/recovery.js"
import { type Restored, type RestoreOptions, restore } from "../recovery/restore.js"
import { BackgroundRetention } from "../retention/background.js"
import type { RetentionPolicy } from "../retention/policy.js"
import { type PruneOptions, type PruneReport, prune } from "../retention/prune.js"
import type { Checkpoint } from "../state/checkpoint.js"
import { type ReadStateOptions, readStateShape, type StateReader } from "../state/reader.js"
import type { Operation } from "../storage/explain.js"
import { type Verification, type VerifyOptions, verifyShape } from "../verify/verified.js"
import type { OpenOptions, StoreOperations } from "./api.js"
import { assertChoice, assertId, assertVisitor } from "./arguments.js"
import { assemble } from "./assemble.js"
import { Calls } from "./calls.js"

type Reads =
  | "open"
  | "load"
  | "loadLatest"
  | "ids"
  | "list"
  | "nextId"
  | "pins"
  | "leadership"
  | "readState"
  | "verify"
  | "recover"
  | "restore"
  | "close"

/** The part of a store that reads, and its life: from what it is assembled to its end. */
export class ReadingStore implements Pick<StoreOperations, Reads>, AsyncDisposable {
  protected readonly options: OpenOptions
  protected readonly clock
  protected readonly emit
  protected readonly history
  protected readonly calls
  protected readonly retention: BackgroundRetention | undefined
  #closed: Promise<void> | undefined

  /** @param given set for a store that `claim()` gives */
  constructor(options: OpenOptions, given?: Given) {
    const { clock, emit, history, retain } = assemble(options, given)
    this.options = options
    this.clock = clock
    this.emit = emit
    this.history = history
    this.calls = new Calls(history.place.gate, options.backend.name, options.readOnly ?? false)
    if (retain !== undefined) this.retention = new BackgroundRetention(() => this.pruned(retain, {}), emit)
  }

  open(which: CheckpointChoice, options: OpenCheckpointOptions = {}): Promise<Checkpoint> {
    const id = typeof which === "number" ? which : undefined
    return this.afterRetention(
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
      assertId("load(id)", id, 0)
      return load(this.history, id, options.signal)
    })
  }

  loadLatest(options: OperationOptions = {}): Promise<CheckpointManifest | undefined> {
    return this.calls.run("loadLatest", undefined, options, operationShape, () =>
      loadLatest(this.history, options.signal),
    )
  }

  ids(options: OperationOptions = {}): Promise<number[]> {
    return this.afterRetention("ids", options, operationShape, () => ids(this.history, options.signal))
  }

  list(options: ListOptions = {}): CheckpointList {
    const all = { [Symbol.asyncIterator]: () => this.#list(options) }
    const toArray = async () => {
      const summaries: CheckpointSummary[] = []
      for await (const summary of all) summaries.push(summary)
      return summaries
    }
    return { ...all, toArray }
  }

  async *#list(options: ListOptions): AsyncGenerator<CheckpointSummary, void, void> {
    // The caller's code runs between two steps, so each step is a call of its own.
    const step = <T>(task: () => Promise<T>) => this.afterRetention("list", options, listShape, task)
    yield* list(this.history, options, step)
  }

  nextId(options: OperationOptions = {}): Promise<number> {
    return this.afterRetention("nextId", options, operationShape, () => nextId(this.history, options.signal))
  }

  readState(id: number, options: ReadStateOptions = {}): Promise<StateReader | undefined> {
    return this.calls.run("readState", id, options, readStateShape, async () => {
      assertId("readState(id)", id, 0)
      return readState(this.history, id, options)
    })
  }

  verify(id: number, options: VerifyOptions = {}): Promise<Verification> {
    return this.calls.run("verify", id, options, verifyShape, async () => {
      assertId("verify(id)", id, 0)
      return verify(this.history, id, options)
    })
  }

  recover(options: RecoverOptions = {}): Promise<Recovery> {
    return this.afterRetention("recover", options, recoverShape, () => recover(this.history, this.clock, options))
  }

  restore<T>(visit: (checkpoint: Checkpoint) => Promise<T>, options: RestoreOptions = {}): Promise<Restored<T>> {
    return this.afterRetention("restore", options, recoverShape, async () => {
      assertVisitor(visit)
      return restore(this.history, this.clock, visit, options)
    })
  }

  leadership(options: OperationOptions = {}): Promise<Leadership> {
    return this.calls.run("leadership", undefined, options, operationShape, () =>
      leadership(this.history, options.signal),
    )
  }

  pins(options: OperationOptions = {}): Promise<Pin[]> {
    return this.calls.run("pins", undefined, options, operationShape, () => listPins(this.history, options.signal))
  }

  /** Runs an operation after the retention of earlier saves, so that it never sees retention half done. */
  protected afterRetention<T>(
    operation: Operation,
    options: OperationOptions,
    shape: Shape,
    task: () => Promise<T>,
    id?: number,
  ): Promise<T> {
    return this.calls.run(operation, id, options, shape, async () => {
      await this.retention?.idle()
      return task()
    })
  }

  /** Prunes, and tells what was removed. */
  protected async pruned(policy: RetentionPolicy, options: PruneOptions): Promise<PruneReport> {
    const report = await prune(this.history, policy, options)
    const { removed, failures, dryRun } = report
    if (!dryRun && removed.length + failures.length > 0)
      this.emit({ type: "pruned", removed, failures: failures.length })
    return report
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.calls.close()
      await this.retention?.idle()
      try {
        await this.leave()
      } finally {
        const { storage } = this.history.place
        await storage.close()
        if (this.options.ownsBackend === true) await storage.closeBackend()
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
