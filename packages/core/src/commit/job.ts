import type { CheckpointManifest } from "../format/manifest/model.js"
import type { Pointer } from "../format/pointer.js"
import type { StateFeed, StateInfo } from "../state/feed.js"

export interface Commit {
  readonly id: number
  /** The state to write, if there is one that is not there yet. */
  readonly feed: StateFeed | undefined
  /** The manifest, once the state was written and is known. */
  manifest(state: StateInfo | undefined): CheckpointManifest
  readonly signal: AbortSignal | undefined
}

export interface Committed {
  readonly outcome: "created" | "existed"
  readonly isLatest: boolean
  readonly manifest: CheckpointManifest
  /** The pointer as it was when the save was acknowledged. */
  readonly pointer: Pointer
}
