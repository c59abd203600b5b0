import { encodeManifest } from "../format/manifest/encode.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { StateFeed, StateInfo } from "../state/feed.js"

/** A save that is ready to be committed. */
export interface Job {
  readonly id: number
  /** The state to write. `undefined` if the checkpoint has no state, or its state was written ahead. */
  readonly feed: StateFeed | undefined
  /** The manifest. `state`: checksum and size of the state, which are known once it is written. */
  manifest(state: StateInfo | undefined): CheckpointManifest
  /** The stored form of the manifest, if it must be these very bytes: those of a checkpoint that is copied. */
  readonly bytes?: Uint8Array | undefined
  readonly signal: AbortSignal | undefined
}

/** The stored form of the job's manifest. */
export function storedForm(job: Job, manifest: CheckpointManifest): Uint8Array {
  return job.bytes ?? encodeManifest(manifest)
}

/** A save that is acknowledged. */
export interface Committed {
  readonly outcome: "created" | "existed"
  readonly isLatest: boolean
  readonly manifest: CheckpointManifest
  /** The id that the pointer names now; 0 if it could not be moved or read. */
  readonly latest: number
}
