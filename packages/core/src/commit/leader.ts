import { BackendError } from "../errors.js"
import { encodeManifest } from "../format/manifest/encode.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { counts } from "../history/rule.js"
import { acknowledge } from "./acknowledge.js"
import { createManifestObject, settleManifest } from "./create-manifest.js"
import { createState } from "./create-state.js"
import type { Commit, CommitContext, Committed } from "./job.js"
import { conflict } from "./outcome.js"

/**
 * The commit of a writer that claimed: the pointer's swap decides, and only upwards, so saves swap in the order of their
 * ids. Once the manifest is there, a failure of the swap leaves it open whether the checkpoint counts: a later swap of this
 * writer would take it along.
 */
export async function commitAsLeader(context: CommitContext, job: Commit): Promise<Committed> {
  const { id, feed, signal } = job
  const leave = context.order.enter(id)
  try {
    const before = await context.pointer.lastSeen(signal)
    context.pointer.assertLeads(before)
    const state = feed === undefined ? undefined : await createState(context, id, feed, signal)
    const manifest = job.manifest(state)
    await context.order.turn(id, signal)
    const current = await context.pointer.lastSeen(signal)
    if (id <= current.checkpointId) return await alreadyCommitted(context, manifest, signal)
    const outcome = await createManifestObject(context, manifest, signal)
    return await acknowledge(context, manifest, outcome)
  } finally {
    leave()
  }
}

/** At or below the pointer only what is there can be saved again. */
async function alreadyCommitted(
  context: CommitContext,
  manifest: CheckpointManifest,
  signal: AbortSignal | undefined,
): Promise<Committed> {
  const id = manifest.checkpointId
  const pointer = await context.pointer.read(signal)
  context.pointer.assertLeads(pointer)
  const looked = new BackendError("precondition", "it is not above the pointer")
  const found = await settleManifest(context, manifest, encodeManifest(manifest), signal, looked)
  if (found === "absent" || !counts(id, pointer)) {
    throw conflict(context, id, `the pointer is at ${pointer.checkpointId}, and a writer that claimed goes up only`)
  }
  return { outcome: "existed", isLatest: pointer.checkpointId === id, manifest, pointer }
}
