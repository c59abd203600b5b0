import { CheckpointError } from "../errors.js"
import type { History } from "../history/history.js"
import { acknowledge } from "./acknowledge.js"
import { commitAtOnce } from "./at-once.js"
import { createManifestObject } from "./create-manifest.js"
import { createState } from "./create-state.js"
import type { Commit, Committed } from "./job.js"
import { commitAsLeader } from "./leader.js"

/**
 * The commit: state, then manifest, each created only if nothing is there, then the pointer. It never overwrites and
 * never deletes, whatever happens. Each step has a schedule in which leaving it out loses data.
 */
export async function commit(history: History, job: Commit): Promise<Committed> {
  try {
    const { leader } = history
    return await (leader === undefined ? commitPlainly(history, job) : commitAsLeader(history, leader, job))
  } catch (error) {
    // It may be a successor who has the id, or marked what is there; then another id would not help.
    if (error instanceof CheckpointError && error.code === "CKPT_CONFLICT")
      await refuseIfSuperseded(history, job.signal)
    throw error
  }
}

async function refuseIfSuperseded(history: History, signal: AbortSignal | undefined): Promise<void> {
  if (!history.hasClaims) return
  const current = await history.pointer.read(signal).catch(() => undefined)
  if (current !== undefined) history.pointer.assertLeads(current)
}

/** The commit of a store that did not claim: the manifest decides. */
async function commitPlainly(history: History, job: Commit): Promise<Committed> {
  const atOnce = await commitAtOnce(history, job)
  if (atOnce !== undefined) return atOnce
  const state = job.feed === undefined ? undefined : await createState(history.place, job.id, job.feed, job.signal)
  const manifest = job.manifest(state)
  const outcome = await createManifestObject(history, manifest, job.signal)
  return acknowledge(history, manifest, outcome)
}
