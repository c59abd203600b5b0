import type { SaveOptions } from "../commit/prepare.js"
import type { SaveReceipt } from "../commit/save.js"
import type { CheckpointManifest, NextManifest } from "../format/manifest/model.js"
import type { Leadership } from "../history/leadership.js"
import type { ListOptions } from "../history/list.js"
import type { CheckpointList } from "../history/summary.js"
import type { Pin } from "../history/view.js"
import { aBoolean, type ShapeOf } from "../input/kinds.js"
import type { OperationOptions, ProgressOptions } from "../options.js"
import type { CheckpointChoice, OpenCheckpointOptions } from "../recovery/open.js"
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
import { aBackend } from "../storage/check-backend.js"
import { type StoreOptions, storeShape } from "../store-options.js"
import type { Verification, VerifyOptions } from "../verify/verified.js"

/** The options of `openCheckpointStore`. */
export interface OpenOptions extends StoreOptions {
  /** The storage. */
  backend: ObjectBackend
  /** True: `close` also closes the backend. Default false: its maker closes it. */
  ownsBackend?: boolean | undefined
}

/** The kinds of {@link OpenOptions}. */
export const openShape: ShapeOf<OpenOptions> = {
  ...storeShape,
  fields: { ...storeShape.fields, backend: aBackend, ownsBackend: aBoolean },
  example: "{ backend }",
}

/**
 * Checkpoints on one storage. Any number of calls may run at the same time. An absent value is `undefined`. A call
 * rejects with a `CheckpointError`, with two exceptions: an abort rejects with the signal's reason, and an error of
 * your own callback or stream reaches you unchanged.
 *
 * Codes of every call: `CKPT_INVALID` for an argument that cannot be used; `CKPT_CLOSED` after `close()`; `CKPT_TIMEOUT`,
 * `CKPT_DENIED`, `CKPT_UNSUPPORTED` and `CKPT_IO` if the storage fails. Codes of every call that writes: also `CKPT_READ_ONLY` for
 * a store that was opened so; `CKPT_FENCED` if another writer has claimed the store; `CKPT_CORRUPT` if the history is lost, or
 * another store's is in its place; `CKPT_CONFLICT`, `retryable`, if other writers changed the history every time; `CKPT_FULL`.
 * Each method says whether it writes, and names its own codes beside these.
 */
export interface StoreOperations extends AsyncDisposable {
  /**
   * Writes a checkpoint: state, then manifest. Once it resolves, the checkpoint can be recovered until
   * retention removes it. A save never overwrites: an id that has other content, or was pruned, is `CKPT_CONFLICT`.
   * After `CKPT_UNKNOWN_OUTCOME`, `CKPT_TIMEOUT` or `CKPT_IO`, save the same manifest object with the same state again,
   * or take `nextId()`.
   *
   * @throws {CheckpointError} the codes of a call that writes; `CKPT_CONFLICT`; `CKPT_UNKNOWN_OUTCOME` if nobody knows whether it took
   *   effect
   */
  save(manifest: CheckpointManifest, options?: SaveOptions): Promise<SaveReceipt>
  /**
   * A manifest with the next id and, unless it is given, the next epoch, for a `save` that may be repeated with the same manifest. The id
   * is not given again, also if it is never saved.
   *
   * @throws {CheckpointError} the codes of every call; `CKPT_INVALID` too for fields that no manifest has
   */
  nextManifest(fields?: NextManifest, options?: OperationOptions): Promise<CheckpointManifest>
  /**
   * Saves under the next id: {@link save} of a manifest with these fields. Calls at the same time on one store take one id each. The
   * epoch is that of the last checkpoint + 1, unless it is given. The storage is asked for both once; from then on the store counts.
   *
   * After any failure, call it again with a new source, or with one that can be read again: it takes another id.
   *
   * @throws {CheckpointError} as {@link save}; `CKPT_CONFLICT` says that another writer took the id
   */
  saveNext(fields?: NextManifest, options?: SaveOptions): Promise<SaveReceipt>
  /**
   * Changes a stored manifest by compare-and-swap, typically to record that sinks committed. `change` gets the stored
   * manifest and returns the new manifest at once; after a lost race it gets the manifest that won. Version, writer,
   * state and checksums stay as they are.
   *
   * @throws {CheckpointError} the codes of a call that writes, `CKPT_FENCED` with `applied: true` if the change stands all the same;
   *   `CKPT_NOT_FOUND` if there is no such checkpoint; `CKPT_CORRUPT` if it is damaged; `CKPT_CONFLICT` if other writers were faster
   *   every time; `CKPT_UNKNOWN_OUTCOME` if nobody knows whether it took effect
   */
  update(
    id: number,
    change: (current: CheckpointManifest) => CheckpointManifest,
    options?: OperationOptions,
  ): Promise<CheckpointManifest>
  /**
   * Records that a sink has published the output of a checkpoint: {@link update} to the status `committed`. To record it again
   * succeeds.
   *
   * @throws {CheckpointError} as {@link update}; `CKPT_NOT_FOUND` too if the manifest names no such sink
   */
  commitSink(id: number, name: string, options?: OperationOptions): Promise<CheckpointManifest>
  /**
   * Makes a checkpoint a savepoint: retention leaves it alone, and `list` shows its pins. To pin it again under the
   * same name succeeds.
   *
   * @param name up to 100 letters, digits, ".", "_" and "-", the first a letter or digit
   * @throws {CheckpointError} the codes of a call that writes; `CKPT_CONFLICT` if the name pins another checkpoint; `CKPT_NOT_FOUND`
   *   if there is no such checkpoint; `CKPT_CORRUPT` if it is damaged; `CKPT_PRUNED` if retention removes it meanwhile;
   *   `CKPT_UNKNOWN_OUTCOME` if a crash may still undo it: save it again to find out
   */
  pin(id: number, name: string, options?: OperationOptions): Promise<void>
  /**
   * Removes a pin by its name, so that retention decides about the checkpoint again. False if no pin has that name.
   *
   * @throws {CheckpointError} the codes of a call that writes
   */
  unpin(name: string, options?: OperationOptions): Promise<boolean>
  /**
   * Every pin, ascending by checkpoint, then by name.
   *
   * @throws {CheckpointError} the codes of every call
   */
  pins(options?: OperationOptions): Promise<Pin[]>
  /**
   * Who leads, as the history says: which claim, and whether another one is being made.
   *
   * @throws {CheckpointError} the codes of every call
   */
  leadership(options?: OperationOptions): Promise<Leadership>
  /**
   * Removes one checkpoint. False if it does not exist.
   *
   * @throws {CheckpointError} the codes of a call that writes; `CKPT_INVALID` too if it is pinned, or not below the latest valid
   *   checkpoint
   */
  remove(id: number, options?: OperationOptions): Promise<boolean>
  /**
   * One checkpoint, by its id or by the name of a pin: `open(7)`, `open({ pin: "before-upgrade" })`. Its manifest and the size of its
   * state are verified; each byte is verified when you read it, or before, with `depth: "deep"`. On a leader the checkpoint is safe from
   * late updates, as one of `recover` is.
   *
   * @throws {CheckpointError} the codes of every call; `CKPT_NOT_FOUND` if there is no such checkpoint or pin, with those that there are;
   *   `CKPT_CORRUPT` if the checkpoint does not verify
   */
  open(which: CheckpointChoice, options?: OpenCheckpointOptions): Promise<Checkpoint>
  /**
   * One manifest; `undefined` if there is no such checkpoint.
   *
   * @throws {CheckpointError} the codes of every call; `CKPT_CORRUPT` if the manifest is damaged
   */
  load(id: number, options?: OperationOptions): Promise<CheckpointManifest | undefined>
  /**
   * The latest manifest; `undefined` if there is none. A lost one that pointer or history names is passed over, with an event
   * `skipped`, if there is another.
   *
   * @throws {CheckpointError} the codes of every call; `CKPT_CORRUPT` if it is damaged, or lost and there is no other: `recover()`
   *   goes past it
   */
  loadLatest(options?: OperationOptions): Promise<CheckpointManifest | undefined>
  /**
   * The ids of all checkpoints, damaged ones too, ascending. See `list` for lost ones.
   *
   * @throws {CheckpointError} the codes of every call
   */
  ids(options?: OperationOptions): Promise<number[]>
  /**
   * All checkpoints, ascending by id. A damaged checkpoint is an entry with its issues, never a gap. If
   * a checkpoint that pointer or history names is lost, and none that is later is listed, that is an event `skipped`.
   * For `for await`, or at once: `await store.list().toArray()`. Page by page, the latest first:
   * `list({ last: 20 })`, then `list({ last: 20, below: lowest })` with the lowest id of the page before. Each manifest that is shown
   * is read, no other.
   *
   * @throws {CheckpointError} the codes of every call, when it is iterated
   */
  list(options?: ListOptions): CheckpointList
  /**
   * The lowest id above every id ever seen here: of manifests, states, directories, pointer and history.
   *
   * @throws {CheckpointError} the codes of every call; `CKPT_INVALID` too if 2^53 - 1 is taken, so that no id is left
   */
  nextId(options?: OperationOptions): Promise<number>
  /**
   * Writes a state before its manifest. A later `save` of this id, on this store and without a state, takes over its
   * checksum and size.
   *
   * @throws {CheckpointError} the codes of a call that writes; `CKPT_CONFLICT` if the id has another state, or does not count any
   *   more; `CKPT_UNKNOWN_OUTCOME` if nobody knows whether it took effect
   */
  writeState(id: number, state: StateSource, options?: OperationOptions & ProgressOptions): Promise<StateInfo>
  /**
   * The state of a checkpoint; `undefined` if it has none. It is read, and a whole read verified, when you iterate.
   *
   * @throws {CheckpointError} the codes of every call; `CKPT_CORRUPT` if manifest or bytes do not verify; `CKPT_PRUNED` if retention
   *   removed the checkpoint while it was read
   */
  readState(id: number, options?: ReadStateOptions): Promise<StateReader | undefined>
  /**
   * Verifies one checkpoint. Damage is an issue, never an error.
   *
   * @throws {CheckpointError} the codes of every call
   */
  verify(id: number, options?: VerifyOptions): Promise<Verification>
  /**
   * Finds the latest checkpoint that verifies, and goes past damaged ones. A failure of the storage rejects; it is
   * never a fresh start. A checkpoint that is given is durable: no crash takes it back (a `readOnly` store in a folder cannot know).
   *
   * @throws {CheckpointError} the codes of every call; `CKPT_INVALID` too if the checkpoints are of the other layout, or of a store one
   *   level up, or `accept` answers neither true nor false; `CKPT_UNKNOWN_OUTCOME` if the checkpoint to give may not be durable,
   *   since a sync failed; on a leader, which marks what it recovers, also those of a call that writes
   */
  recover(options?: RecoverOptions): Promise<Recovery>
  /**
   * Recovers by reading. `visit` gets the latest checkpoint that verifies, and reads from it. If the checkpoint turns
   * out damaged meanwhile, `visit` is called again with the next older checkpoint; so it must be able to start again.
   * `depth` is `"shallow"` by default, since each byte is verified when `visit` reads it; a byte that `visit` does not
   * read is not verified.
   *
   * @throws {CheckpointError} as `recover`; an error of `visit` that is not about damage rejects it unchanged
   */
  restore<T>(visit: (checkpoint: Checkpoint) => Promise<T>, options?: RestoreOptions): Promise<Restored<T>>
  /**
   * Removes the checkpoints that a policy does not keep. Default policy: the store's `retain`. An object that could not be deleted
   * is told in the report, not by an error.
   *
   * @throws {CheckpointError} the codes of a call that writes, of every call with `dryRun`; `CKPT_INVALID` too without any policy
   */
  prune(policy?: RetentionPolicy, options?: PruneOptions): Promise<PruneReport>
  /**
   * Removes the objects that unfinished saves left: states without a manifest, unfinished uploads, temporary files. What could not
   * be removed is told in the report, not by an error.
   *
   * @throws {CheckpointError} the codes of a call that writes, of every call with `dryRun`
   */
  collectOrphans(options?: CollectOptions): Promise<OrphanReport>
  /**
   * Later calls, and later reads of a state, reject with `CKPT_CLOSED`. Waits for the calls under way, for the next chunk of
   * a reader that was asked for one, for retention, and for what aborted or timed-out calls still clean up; at the end for the backend
   * of its own. For clean-up and backend no longer than `timeoutMs` each. Once it resolves, the store makes no request, and leaves no
   * temporary name and no open file of its own.
   *
   * It does not wait for `visit` of `restore`, for `accept`, or for whoever works on a chunk: each of them may itself await
   * `close()`. It waits for the source of a state, so a source must not await it. A second call waits for the first.
   */
  close(): Promise<void>
}

/** A store as it is opened. Its writer is a plain writer: it may write as long as nobody has claimed the store. */
export interface CheckpointStore extends StoreOperations {
  /**
   * Makes this process the one writer. It gives a new store, the leader: recover on the leader, after the claim, and
   * save with it. Every earlier writer gets `CKPT_FENCED`, and a checkpoint that it still writes never counts, on
   * whatever machine it runs and however late it wakes. (On the filesystem: among the processes of one machine.)
   *
   * The leader saves above all ids that were there when it claimed. Close the leader before this store, whose backend it uses.
   * If the call is aborted and the claim takes effect all the same, the event `claimed` says so, and nobody has the leader.
   *
   * @throws {CheckpointError} the codes of a call that writes, `CKPT_FENCED` if another writer claimed meanwhile or, on the
   *   filesystem, if another process leads and shows signs of life; `CKPT_UNSUPPORTED` if a claim is not possible: it needs a storage
   *   with a compare-and-swap among processes, or a backend with claims of its own
   */
  claim(options?: OperationOptions): Promise<LeaderStore>
  /**
   * Builds the lost history of a store without claims anew: whatever manifest is there counts, and what was pinned is
   * forgotten. False if a sound history is there, also that of another store; then nothing was changed.
   *
   * @throws {CheckpointError} the codes of a call that writes, `CKPT_FENCED` if the store was ever claimed: then `claim()` builds the
   *   history anew
   */
  repair(options?: OperationOptions): Promise<boolean>
}

/** A function that opens a store gives the leader with `claim: true`, and else a store without a claim. */
export type Opened<Claim extends boolean | undefined> = Claim extends true ? LeaderStore : CheckpointStore

/** The store of the one writer, from {@link CheckpointStore.claim}. What `recover` and `restore` give is safe from late updates. */
export interface LeaderStore extends StoreOperations {
  /** The number of its claim, from 1: higher than that of every claim before it that history or manifests tell of. */
  readonly epoch: number
  /**
   * Gives the lead up, and closes this store, also if it rejects. Nobody leads until the next claim; plain stores stay refused.
   *
   * @throws {CheckpointError} the codes of a call that writes; `CKPT_CLOSED` after `close()`, which gives up only a claim of the
   *   backend's own: the next claim goes over it
   */
  release(): Promise<void>
}
