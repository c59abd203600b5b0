import type { Clock } from "../async/clock.js"
import type { SaveOptions } from "../commit/prepare.js"
import type { SaveReceipt } from "../commit/save.js"
import type { CheckpointManifest, NextManifest } from "../format/manifest/model.js"
import type { StoreOperations } from "./api.js"

/** What a checkpointer needs of a store. */
export type CheckpointerStore = Pick<StoreOperations, "nextManifest" | "save">

/** What a job is to go on from: fields of the manifest, such as offsets, and the state that belongs to them. */
export interface Snapshot extends Pick<SaveOptions, "state" | "operators" | "inlineThreshold"> {
  /** The manifest's fields. The id and, unless it is given, the epoch are chosen by the store. */
  readonly manifest?: NextManifest | undefined
}

/** A checkpoint that a checkpointer has saved. */
export interface SavedSnapshot {
  /** The answer of `save`. */
  readonly receipt: SaveReceipt
  /** The manifest that was saved: of the moment of the snapshot, while the job has gone on. */
  readonly manifest: CheckpointManifest
  /** Records that this checkpoint covers, and none before it does. */
  readonly records: number
}

/** What a checkpointer tells its listener. */
export type CheckpointerEvent =
  | {
      /** A save failed, perhaps in passing. The same manifest is saved again. */
      readonly type: "retry"
      /** Why it failed. */
      readonly error: unknown
      /** The save that failed, from 1. */
      readonly attempt: number
      /** Milliseconds until the next save. */
      readonly delayMs: number
    }
  | {
      /**
       * A save failed. If later saves cannot succeed (`CKPT_FENCED`), the next `tick` rejects with the same error; else the job goes
       * on.
       */
      readonly type: "failed"
      /** Why it failed. */
      readonly error: unknown
      /** Records that the next checkpoint covers, too. */
      readonly records: number
    }

/** The options of `createCheckpointer`. Give `everyMs`, `everyRecords` or both: whichever comes first. */
export interface CheckpointerOptions {
  /**
   * Called between two records, while the job waits for `tick`. The save goes on while the job does, so the state must be a copy, such as
   * `json(value)`. A stream is `CKPT_INVALID`, since a save that failed is repeated: give a function that makes it. If the save fails, the
   * next snapshot must have all of it again.
   */
  snapshot: () => Snapshot | Promise<Snapshot>
  /** Milliseconds from one snapshot to the next. */
  everyMs?: number | undefined
  /** Records from one snapshot to the next. */
  everyRecords?: number | undefined
  /**
   * Called after each save: what came before the snapshot may be acknowledged now, or published. A promise is awaited before the next
   * snapshot is taken, so a sink of two phases publishes here, and calls `commitSink`. Its error ends the checkpointer: the next `tick`
   * rejects with it.
   */
  onSaved?: ((saved: SavedSnapshot) => unknown) | undefined
  /**
   * Once it is aborted, the next `tick` takes the last checkpoint, and rejects with the signal's reason, or with the failure to save. No
   * save is repeated any more.
   */
  signal?: AbortSignal | undefined
  /**
   * Milliseconds from the abort of `signal` after which nobody waits for the last checkpoint: the save under way is given up, and `tick`
   * and `close` reject with `CKPT_TIMEOUT`. For a job that must end in time. Default: no limit.
   */
  endWithinMs?: number | undefined
  /**
   * Called with each event. Its errors are ignored. Without a listener every failed save ends the checkpointer: the next `tick` rejects
   * with it, since nobody else would hear of it.
   */
  onEvent?: ((event: CheckpointerEvent) => void) | undefined
  /** The time, for tests. Default: the machine's. */
  clock?: Pick<Clock, "monotonic" | "sleep"> | undefined
}

/** The options of `close` of a checkpointer. */
export interface CloseCheckpointerOptions {
  /**
   * When it is aborted, nobody waits any longer for the last checkpoint: the save under way is given up, and `close` rejects with the
   * signal's reason. See also `endWithinMs`.
   */
  signal?: AbortSignal | undefined
}

/**
 * Takes the checkpoints of one job. Its methods are called from the job: within `snapshot` or `onSaved` they would wait for themselves,
 * and are `CKPT_INVALID`.
 */
export interface Checkpointer extends AsyncDisposable {
  /**
   * To be awaited after each record, or after several: `tick(50)`; while no records come, `tick(0)`. If a checkpoint is due, the snapshot
   * is taken before it resolves, and saved behind it. If the save before is still under way, it waits for that one first.
   *
   * Rejects with the error of `snapshot`; with the signal's reason if it was aborted (later calls with `CKPT_CLOSED`); and with the error
   * of an earlier save or `onSaved` if no later save can succeed: stop then.
   *
   * @throws {CheckpointError} `CKPT_INVALID` for a count or a snapshot that cannot be used; `CKPT_CLOSED` after `close`; `CKPT_TIMEOUT`
   *   after `endWithinMs`; of an earlier save, those after which no other succeeds: `CKPT_FENCED`, `CKPT_CLOSED`, `CKPT_INVALID`,
   *   `CKPT_READ_ONLY`, `CKPT_UNSUPPORTED`, and, without `onEvent`, every code of `save`
   */
  tick(records?: number): Promise<void>
  /**
   * Saves now, if there was a record since the last snapshot, and waits for the save and for `onSaved`.
   *
   * @throws {CheckpointError} as `tick`, and if the save fails, as `save`
   */
  flush(): Promise<void>
  /**
   * The last `flush`. Later ticks reject with `CKPT_CLOSED`. The store stays open.
   *
   * @throws {CheckpointError} as `flush`
   */
  close(options?: CloseCheckpointerOptions): Promise<void>
}
