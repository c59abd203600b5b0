import type { Clock } from "../async/clock.js"
import type { SaveOptions } from "../commit/prepare.js"
import type { SaveReceipt } from "../commit/save.js"
import type { NextManifest } from "../format/manifest/model.js"
import type { StoreOperations } from "./api.js"

/** What a checkpointer needs of a store. */
export type CheckpointerStore = Pick<StoreOperations, "nextManifest" | "save">

/** What a job is to go on from: fields of the manifest, such as offsets, and the state that belongs to them. */
export interface Snapshot extends Pick<SaveOptions, "state" | "operators" | "inlineThreshold"> {
  /** The manifest's fields. The id and, unless it is given, the epoch are chosen by the store. */
  readonly manifest?: NextManifest | undefined
}

/** What a checkpointer tells its listener. */
export type CheckpointerEvent =
  | {
      /** A checkpoint was saved: what came before its snapshot may be acknowledged, or published. */
      readonly type: "saved"
      /** The answer of `save`. */
      readonly receipt: SaveReceipt
      /** Records that this checkpoint covers, and none before it does. */
      readonly records: number
    }
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
   * `json(value)`. A stream is `CKPT_INVALID`, since a save that failed is repeated: give a function that makes it. It must not await
   * this checkpointer.
   */
  snapshot: () => Snapshot | Promise<Snapshot>
  /** Milliseconds from one snapshot to the next. */
  everyMs?: number | undefined
  /** Records from one snapshot to the next. */
  everyRecords?: number | undefined
  /** Once it is aborted, the next `tick` takes the last checkpoint, and rejects with the signal's reason, or with the failure to save. */
  signal?: AbortSignal | undefined
  /**
   * Called with each event. Its errors are ignored. Without a listener every failed save ends the checkpointer: the next `tick` rejects
   * with it, since nobody else would hear of it.
   */
  onEvent?: ((event: CheckpointerEvent) => void) | undefined
  /** The time, for tests. Default: the machine's. */
  clock?: Pick<Clock, "monotonic" | "sleep"> | undefined
}

/** Takes the checkpoints of one job. */
export interface Checkpointer extends AsyncDisposable {
  /**
   * To be awaited after each record, or after several: `tick(50)`; while no records come, `tick(0)`. If a checkpoint is due, the snapshot
   * is taken before it resolves, and saved behind it. If the save before is still under way, it waits for that one first.
   *
   * Rejects with the error of `snapshot`; with the signal's reason after an abort; and with the failure of an earlier save if no later one
   * can succeed, such as `CKPT_FENCED`: stop then.
   */
  tick(records?: number): Promise<void>
  /** Saves now, if there was a record since the last snapshot. Rejects if the save fails. */
  flush(): Promise<void>
  /** The last `flush`. Later ticks reject with `CKPT_CLOSED`. The store stays open. */
  close(): Promise<void>
}
