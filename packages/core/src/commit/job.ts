import type { CheckpointManifest } from "../format/manifest/model.js"
import type { StateFeed, StateInfo } from "../state/feed.js"
import type { StoredState } from "./create-state.js"

/** A save that is ready to be committed. */
export interface Job {
  readonly id: number
  /** The state to write. `undefined` if the checkpoint has no state, or its state was written ahead. */
  readonly feed: StateFeed | undefined
  /** The state that was written ahead, or found in the storage. */
  readonly ahead?: StoredState | undefined
  /** The manifest. `state`: checksum and size of the state, which are known once it is written. */
  manifest(state: StateInfo | undefined): CheckpointManifest
  readonly signal: AbortSignal | undefined
}

/** A save that is acknowledged. */
export interface Committed {
  readonly outcome: "created" | "existed"
  readonly isLatest: boolean
  readonly manifest: CheckpointManifest
  /** The id that the pointer names now; 0 if it could not be moved or read. */
  readonly latest: number
}
