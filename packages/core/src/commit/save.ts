import type { CheckpointManifest } from "../format/manifest/model.js"
import type { History } from "../history/history.js"
import type { OperationOptions, ProgressOptions } from "../options.js"
import type { StateInfo } from "../state/feed.js"
import { openFeed } from "../state/feed.js"
import { WriteProgress } from "../state/progress.js"
import type { StateSource } from "../state/source.js"
import type { Probe } from "../storage/probe.js"
import { commit } from "./commit.js"
import { createState } from "./create-state.js"
import type { Committed } from "./job.js"
import { prepareSave, type SaveOptions } from "./prepare.js"
import { StatesAhead } from "./states-ahead.js"

export interface SaveReceipt {
  readonly id: number
  /** `existed`: this very checkpoint was there already (a retry of a save whose answer was lost). */
  readonly outcome: "created" | "existed"
  /** The pointer names this checkpoint. False for a save that came after a newer one; the checkpoint is safe all the same. */
  readonly isLatest: boolean
  /** SHA-256 and bytes of `state.bin`, if there is one. */
  readonly stateChecksum?: string
  readonly stateSize?: number
}

/** Writes checkpoints and states, after the storage was asked once whether it honours conditions. */
export class Saver {
  readonly #history: History
  readonly #probe: Probe
  readonly #ahead = new StatesAhead()

  constructor(history: History, probe: Probe) {
    this.#history = history
    this.#probe = probe
  }

  /** Prepares what was given, asks the storage, commits. */
  async save(given: CheckpointManifest, options: SaveOptions): Promise<Committed> {
    const job = await prepareSave(this.#history, given, options, this.#ahead)
    try {
      await this.#probe.once(options.signal)
      const done = await commit(this.#history, job)
      job.saved()
      return done
    } finally {
      job.close()
    }
  }

  /** Writes a state ahead of its manifest. */
  async writeState(id: number, state: StateSource, options: OperationOptions & ProgressOptions): Promise<StateInfo> {
    const progress = new WriteProgress(options.onProgress)
    const feed = progress.watch(await openFeed(state, options.signal))
    try {
      await this.#probe.once(options.signal)
      const info = await createState(this.#history.place, id, feed, options.signal)
      progress.end(info)
      this.#ahead.set(id, info)
      return info
    } finally {
      feed.close()
    }
  }
}

export function receiptOf({ manifest, outcome, isLatest }: Committed): SaveReceipt {
  const { checkpointId: id, stateChecksum, stateSize = 0 } = manifest
  return { id, outcome, isLatest, ...(stateChecksum === null ? {} : { stateChecksum, stateSize }) }
}
