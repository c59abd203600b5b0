import { CheckpointError } from "../errors.js"
import { type CheckpointManifest, emptyRecord, type SinkCommitStatus } from "../format/manifest/model.js"
import { isCommitted } from "../format/manifest/sinks.js"
import { byUtf8 } from "../format/utf8-order.js"
import { didYouMean } from "../input/check-options.js"
import { quote, sentence, show } from "../input/show.js"
import type { Change } from "./update.js"

/**
 * For `recover({ accept: acceptCommitted })`: true if every sink that has a status has committed, so none is pending and none failed.
 * For a job whose output is lost if it died before it was published; see docs/store/sinks.md. Retention always keeps the latest such
 * checkpoint.
 */
export function acceptCommitted(manifest: CheckpointManifest): boolean {
  return isCommitted(manifest)
}

/** @throws {CheckpointError} `CKPT_INVALID` unless it is a string */
export function assertSinkName(name: unknown): asserts name is string {
  if (typeof name === "string") return
  throw new CheckpointError("CKPT_INVALID", `commitSink: the sink is ${show(name)}; give its name.`)
}

/** The change that records that a sink has committed. A sink that the manifest does not name is refused. */
export function sinkCommitted(name: string): Change {
  return (current) => {
    const { checkpointId, sinkCommitStatuses, sinkEpochs, sinkNames } = current
    const names = [...new Set([...Object.keys(sinkCommitStatuses), ...Object.keys(sinkEpochs), ...sinkNames])]
    if (!names.includes(name)) {
      const message = `commitSink: checkpoint ${checkpointId} has no sink ${quote(name)}`
      const instead = names.length === 0 ? ". It names none" : didYouMean(name, names.sort(byUtf8))
      throw new CheckpointError("CKPT_NOT_FOUND", sentence(message + instead), { checkpointId })
    }
    return { ...current, sinkCommitStatuses: { ...sinkCommitStatuses, [name]: { status: "committed" } } }
  }
}

const steps: readonly SinkCommitStatus["status"][] = ["pending", "failed", "committed"]

/** The sinks of two copies of one checkpoint: each with the status that is further on. A commit is never taken back. */
export function furtherSinks(one: CheckpointManifest, other: CheckpointManifest): Record<string, SinkCommitStatus> {
  const further = Object.assign(emptyRecord<SinkCommitStatus>(), one.sinkCommitStatuses)
  for (const [name, status] of Object.entries(other.sinkCommitStatuses)) {
    const there = further[name]
    if (there === undefined || steps.indexOf(there.status) < steps.indexOf(status.status)) further[name] = status
  }
  return further
}
