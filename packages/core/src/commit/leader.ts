import { BackendError } from "../errors.js"
import { encodeManifest } from "../format/manifest/encode.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { History } from "../history/history.js"
import type { Leader } from "../history/leader.js"
import { counts } from "../history/rule.js"
import { acknowledge } from "./acknowledge.js"
import { createManifestObject, settleManifest } from "./create-manifest.js"
import { createState } from "./create-state.js"
import type { Commit, Committed } from "./job.js"
import { conflict } from "./outcome.js"

/**
 * The commit of a writer that claimed: the pointer's swap decides, and only upwards, so saves swap in the order of their
 * ids. Once the manifest is there, a failure of the swap leaves it open whether the checkpoint counts: a later swap of this
 * writer would take it along.
 */
export async function commitAsLeader(history: History, leader: Leader, job: Commit): Promise<Committed> {
  const { id, feed, signal } = job
  const leave = leader.order.enter(id)
  try {
    const before = await history.pointer.lastSeen(signal)
    history.pointer.assertLeads(before)
    const state = feed === undefined ? undefined : await createState(history.place, id, feed, signal)
    const manifest = job.manifest(state)
    await leader.order.turn(id, signal)
    const current = await history.pointer.lastSeen(signal)
    if (id <= current.checkpointId) return await alreadyCommitted(history, manifest, signal)
    const outcome = await createManifestObject(history, manifest, signal)
    return await acknowledge(history, manifest, outcome)
  } finally {
    leave()
  }
}

/** At or below the pointer only what is there can be saved again. */
async function alreadyCommitted(
  history: History,
  manifest: CheckpointManifest,
  signal: AbortSignal | undefined,
): Promise<Committed> {
  const id = manifest.checkpointId
  const pointer = await history.pointer.read(signal)
  history.pointer.assertLeads(pointer)
  const looked = new BackendError("precondition", "it is not above the pointer")
  const found = await settleManifest(history.place, manifest, encodeManifest(manifest), signal, looked)
  if (found === "absent" || !counts(id, pointer)) {
    throw conflict(
      history.place,
      id,
      `the pointer is at ${pointer.checkpointId}, and a writer that claimed goes up only`,
    )
  }
  return { outcome: "existed", isLatest: pointer.checkpointId === id, manifest, pointer }
}
