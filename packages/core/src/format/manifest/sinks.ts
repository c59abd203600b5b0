import type { CheckpointManifest } from "./model.js"

/** True if every sink that has a status has committed, so none is pending and none failed. */
export function isCommitted({ sinkCommitStatuses }: CheckpointManifest): boolean {
  return Object.values(sinkCommitStatuses).every(({ status }) => status === "committed")
}
