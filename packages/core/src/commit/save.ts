import { CheckpointError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { History } from "../history/history.js"
import type { OperationOptions, ProgressOptions } from "../options.js"
import type { StateInfo } from "../state/feed.js"
import { openFeed } from "../state/feed.js"
import { WriteProgress } from "../state/progress.js"
import { takeSource } from "../state/read-once.js"
import { assertSource, type StateSource } from "../state/source.js"
import { assertMayWrite } from "./acknowledge.js"
import { commit } from "./commit.js"
import { type Copied, type CopyRequest, copyInto, type Original } from "./copy.js"
import { createState } from "./create-state.js"
import type { Committed } from "./job.js"
import { Numbering } from "./numbering.js"
import { prepareSave, type SaveOptions } from "./prepare.js"
import { StatesAhead } from "./states-ahead.js"

/** The answer of `save`: the checkpoint is there, and stays until retention removes it. */
export interface SaveReceipt {
  /** The checkpoint. */
  readonly id: number
  /**
   * An id for the next save: the lowest above every id that this store was given, and above the one that the pointer names. If
   * 2^53 - 1 is taken, it is 2^53 - 1, and a save of it is `CKPT_CONFLICT`.
   */
  readonly nextId: number
  /**
   * `existed`: the same checkpoint was there already, for example because an earlier save succeeded without an answer.
   */
  readonly outcome: "created" | "existed"
  /**
   * True if the pointer names this checkpoint. False if the pointer names a newer checkpoint, or could not be moved;
   * this checkpoint is safe all the same.
   */
  readonly isLatest: boolean
  /** SHA-256 of `state.bin`, 64 lower-case hex digits. Absent without a state. */
  readonly stateChecksum?: string
  /** Bytes of `state.bin`. Absent without a state. */
  readonly stateSize?: number
}

/** Writes checkpoints and states. Before the first write, it checks once whether the storage honours conditions. */
export class Saver {
  readonly #history: History
  readonly #ahead = new StatesAhead()
  readonly numbering: Numbering

  constructor(history: History) {
    this.#history = history
    this.numbering = new Numbering(history)
  }

  async save(given: CheckpointManifest, options: SaveOptions): Promise<Committed> {
    const job = await prepareSave(this.#history, given, options, this.#ahead)
    this.numbering.began({ checkpointId: job.id, epoch: given.epoch })
    const ended = this.#history.saving(job.id)
    try {
      await this.#history.probe.once(options.signal)
      const done = await commit(this.#history, job)
      job.saved()
      return done
    } catch (error) {
      if (error instanceof CheckpointError && error.code === "CKPT_CONFLICT") this.numbering.forget()
      throw error
    } finally {
      ended()
      job.close()
    }
  }

  /** Writes a checkpoint of another store. */
  async copy(original: Original, request: CopyRequest): Promise<Copied> {
    const { checkpointId, epoch } = original.manifest
    this.numbering.began({ checkpointId, epoch })
    const ended = this.#history.saving(checkpointId)
    try {
      return await copyInto(this.#history, original, request)
    } finally {
      ended()
    }
  }

  /** Writes a state ahead of its manifest. */
  async writeState(id: number, state: StateSource, options: OperationOptions & ProgressOptions): Promise<StateInfo> {
    assertSource(state, "writeState: the state")
    takeSource(state, "writeState: the state")
    const progress = new WriteProgress(options.onProgress)
    const feed = progress.watch(await openFeed(state, options.signal))
    const ended = this.#history.saving(id)
    try {
      await assertMayWrite(this.#history, id, options.signal)
      await this.#history.probe.once(options.signal)
      const state = await createState(this.#history.place, id, feed, options.signal)
      const info = feed.info()
      progress.end(info)
      this.#ahead.set(id, state)
      return info
    } finally {
      ended()
      feed.close()
    }
  }
}

export function receiptOf({ manifest, outcome, isLatest }: Committed, nextId: number): SaveReceipt {
  const { checkpointId: id, stateChecksum, stateSize = 0 } = manifest
  return { id, nextId, outcome, isLatest, ...(stateChecksum === null ? {} : { stateChecksum, stateSize }) }
}
