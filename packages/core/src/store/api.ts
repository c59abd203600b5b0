import type { Clock } from "../async/clock.js"
import type { SaveOptions } from "../commit/prepare.js"
import type { SaveReceipt } from "../commit/save.js"
import type { StoreEvent } from "../events.js"
import type { LayoutName } from "../format/layout.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { Pin } from "../format/pointer.js"
import type { CheckpointSummary } from "../history/summary.js"
import type { OperationOptions, ProgressOptions } from "../options.js"
import type { RecoverOptions, Recovery } from "../recovery/recovery.js"
import type { Restored, RestoreOptions } from "../recovery/restore.js"
import type { CollectOptions, OrphanReport } from "../retention/orphans.js"
import type { RetentionPolicy } from "../retention/policy.js"
import type { PruneOptions, PruneReport } from "../retention/prune.js"
import type { Checkpoint } from "../state/checkpoint.js"
import type { StateInfo } from "../state/feed.js"
import type { ReadStateOptions, StateReader } from "../state/reader.js"
import type { StateSource } from "../state/source.js"
import type { ObjectBackend } from "../storage/backend.js"
import type { RetryOptions } from "../storage/retry.js"
import type { Verification, VerifyOptions } from "../verify/verified.js"

export interface StoreOptions {
  /** How keys are laid out. Set by each backend's `open…Store`; it must stay the same for the life of a store. */
  layout?: LayoutName | undefined
  /** Segments before every key, such as "team/job-1/". */
  prefix?: string | undefined
  /** What stays after each save. Default: everything. */
  retain?: RetentionPolicy | undefined
  /** What a manifest of this job should say. A manifest that says something else gets a warning, and stays valid. */
  expect?: { /** Virtual partitions of the job. Default 256. */ vnodeCount?: number | undefined } | undefined
  /** Refuse every operation that would write. */
  readOnly?: boolean | undefined
  retry?: RetryOptions | undefined
  /**
   * Milliseconds after which an attempt, or a body that stands still, is given up. Default 30,000, of `openFsStore`
   * 300,000. A request that carries bytes to the storage gets one second more for each 128 KiB of them: a line slower than
   * 1 Mbit/s is treated as dead.
   */
  timeoutMs?: number | undefined
  /** Called for what is worth knowing and needs no answer. What it throws is ignored. */
  onEvent?: ((event: StoreEvent) => void) | undefined
  /** For tests that own time. */
  clock?: Clock | undefined
  /** Numbers from 0 to below 1, for jitter. For tests that own chance. */
  random?: (() => number) | undefined
}

export interface OpenOptions extends StoreOptions {
  backend: ObjectBackend
  /** Close the backend together with the store. Default false: whoever made it closes it. */
  ownsBackend?: boolean | undefined
}

/**
 * Checkpoints on one storage. All calls may be made at once. Absence is `undefined`; an abort rejects with the signal's
 * reason; what your own callbacks and streams throw reaches you unchanged; anything else is a `CheckpointError`.
 */
export interface CheckpointStore extends AsyncDisposable {
  /**
   * Writes a checkpoint: state, then manifest, then the pointer. Once it resolves, the checkpoint is recoverable until
   * retention removes it. It never overwrites: an id that has other content is `CKPT_CONFLICT`. After a failure, call
   * again with the same manifest object and the same state, or take `nextId()`.
   */
  save(manifest: CheckpointManifest, options?: SaveOptions): Promise<SaveReceipt>
  /**
   * Changes a manifest that is there, typically to record that sinks committed. `change` gets what is stored and returns
   * the new one; it is called again after a lost race. Checksums and the state stay as they are.
   */
  update(
    id: number,
    change: (current: CheckpointManifest) => CheckpointManifest,
    options?: OperationOptions,
  ): Promise<CheckpointManifest>
  /**
   * Makes this process the one writer, by a store that it gives: recover on that one, after the claim. Whoever wrote before
   * gets `CKPT_FENCED`, and what they still write never counts, on whatever machine they are and however late they wake (on
   * the filesystem: among the processes of one machine).
   * That store goes up only: each save needs a higher id than the last. Close it before this one, whose backend it uses.
   * Rejects with `CKPT_FENCED` if another claimed meanwhile or, on the filesystem, if another process leads and shows signs
   * of life; with `CKPT_UNSUPPORTED` where neither the storage can make one writer lead, nor a compare-and-swap holds among
   * processes on a pointer that has room for a claim (that of the layout "objects" has).
   */
  claim(options?: OperationOptions): Promise<CheckpointStore>
  /**
   * Keeps a checkpoint whatever retention says: a savepoint. `list` shows its pins. The same pin again is fine; a name that
   * pins another checkpoint is `CKPT_CONFLICT`; `CKPT_NOT_FOUND` if there is no such checkpoint, `CKPT_PRUNED` if it goes
   * while it is pinned.
   *
   * @param name up to 100 letters, digits, ".", "_" and "-", the first a letter or digit
   */
  pin(id: number, name: string, options?: OperationOptions): Promise<void>
  /** Takes a pin away; retention decides again. False if there is none of that name. */
  unpin(name: string, options?: OperationOptions): Promise<boolean>
  /** Every pin, ascending by checkpoint. */
  pins(options?: OperationOptions): Promise<Pin[]>
  /** Removes one checkpoint below the latest valid one. False if there is none; `CKPT_INVALID` if it is pinned. */
  remove(id: number, options?: OperationOptions): Promise<boolean>
  /** One manifest. Rejects with `CKPT_CORRUPT` if it is damaged. */
  load(id: number, options?: OperationOptions): Promise<CheckpointManifest | undefined>
  /** The latest manifest. Rejects with `CKPT_CORRUPT` if it is damaged: `recover()` goes past it. */
  loadLatest(options?: OperationOptions): Promise<CheckpointManifest | undefined>
  /** Every id with a manifest, ascending, damaged ones too. */
  ids(options?: OperationOptions): Promise<number[]>
  /** Ascending. A damaged checkpoint is an entry with its issues, never a gap. */
  list(options?: OperationOptions): AsyncIterable<CheckpointSummary>
  /** The lowest id above every id ever seen here: manifests, states, directories, the pointer. */
  nextId(options?: OperationOptions): Promise<number>
  /** Writes a state ahead of its manifest; `save` of that id on this store takes over checksum and size. */
  writeState(id: number, state: StateSource, options?: OperationOptions & ProgressOptions): Promise<StateInfo>
  /** The bytes beside a manifest; `undefined` if there are none. Read when iterated; a whole read verifies. */
  readState(id: number, options?: ReadStateOptions): Promise<StateReader | undefined>
  /** Checks one checkpoint. Damage is an issue; only an unreachable storage rejects. */
  verify(id: number, options?: VerifyOptions): Promise<Verification>
  /** The latest checkpoint that verifies. Never takes an outage for a fresh start. */
  recover(options?: RecoverOptions): Promise<Recovery>
  /**
   * Recovers by reading: `visit` gets the latest checkpoint that verifies and reads from it what it needs. Should it turn
   * out damaged while it is read, `visit` is called again with the next older one, so it must be able to start again.
   * `depth` is `"shallow"` by default, since each byte is verified when it is read; what is not read is not verified.
   */
  restore<T>(visit: (checkpoint: Checkpoint) => Promise<T>, options?: RestoreOptions): Promise<Restored<T>>
  /** Removes what the policy (default: the store's `retain`) does not keep. */
  prune(policy?: RetentionPolicy, options?: PruneOptions): Promise<PruneReport>
  /** Removes what saves that never finished left behind. */
  collectOrphans(options?: CollectOptions): Promise<OrphanReport>
  /** Waits for what is under way, retention too. Later calls reject with `CKPT_CLOSED`. */
  close(): Promise<void>
}
