import type { Claim } from "../format/history-record.js"
import type { StoredHistory } from "./history-file.js"

/** The history as it is now, and whether it can be believed. */
export interface Current extends StoredHistory {
  /**
   * Why the history is lost; absent if it is not. Then readers judge by the manifests alone, nothing is deleted, and no
   * save is acknowledged, until `claim()` or `repair()` builds it anew.
   */
  readonly lost?: string
}

/** A claim that was given, and the history that it made. */
export interface Given {
  readonly lead: Claim
  readonly stored: StoredHistory
}
