import { CheckpointError } from "../errors.js"
import { claimsInPointer } from "../history/context.js"
import { acknowledge } from "./acknowledge.js"
import { commitAtOnce } from "./at-once.js"
import { createManifestObject } from "./create-manifest.js"
import { createState } from "./create-state.js"
import type { Commit, CommitContext, Committed } from "./job.js"
import { commitAsLeader } from "./leader.js"

/**
 * The commit: state, then manifest, each created only if nothing is there, then the pointer. It never overwrites and
 * never deletes, whatever happens. Each step has a schedule in which leaving it out loses data.
 */
export async function commit(context: CommitContext, job: Commit): Promise<Committed> {
  try {
    return await (context.pointer.writer === undefined ? commitPlainly(context, job) : commitAsLeader(context, job))
  } catch (error) {
    // It may be a successor who has the id, or marked what is there; then another id would not help.
    if (error instanceof CheckpointError && error.code === "CKPT_CONFLICT") await assertStillLeads(context, job.signal)
    throw error
  }
}

async function assertStillLeads(context: CommitContext, signal: AbortSignal | undefined): Promise<void> {
  if (!claimsInPointer(context)) return
  const current = await context.pointer.read(signal).catch(() => undefined)
  if (current !== undefined) context.pointer.assertLeads(current)
}

/** The commit of a store that did not claim: the manifest decides. */
async function commitPlainly(context: CommitContext, job: Commit): Promise<Committed> {
  const atOnce = await commitAtOnce(context, job)
  if (atOnce !== undefined) return atOnce
  const state = job.feed === undefined ? undefined : await createState(context, job.id, job.feed, job.signal)
  const manifest = job.manifest(state)
  const outcome = await createManifestObject(context, manifest, job.signal)
  return acknowledge(context, manifest, outcome)
}
