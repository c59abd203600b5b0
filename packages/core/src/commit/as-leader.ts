import { BackendError } from "../errors.js"
import { encodeManifest } from "../format/manifest/encode.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { History } from "../history/history.js"
import type { Leader } from "../history/leader.js"
import { mayCount } from "../history/rule.js"
import { acknowledge } from "./acknowledge.js"
import { createManifestObject, settleManifest } from "./create-manifest.js"
import { createState } from "./create-state.js"
import type { Committed, Job } from "./job.js"
import { conflict } from "./outcome.js"

/**
 * The commit of a leader: the swap of the pointer decides. The swap commits every manifest of the leader up to its id,
 * so saves swap in the order of their ids.
 *
 * If the swap fails, the manifest remains, and the leader's next successful swap commits it too. So the outcome of the
 * save is unknown, not failed. Example: 4 is written and its swap fails; then 5 is saved. Now 4 counts as well.
 */
export async function commitAsLeader(history: History, leader: Leader, job: Job): Promise<Committed> {
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

/** A save at or below the pointer: it succeeds only if the same checkpoint is there already. */
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
  if (found === "absent" || !mayCount(id, pointer)) {
    throw conflict(
      history.place,
      id,
      `the pointer is at ${pointer.checkpointId}, and a store that claim() gave saves only above it`,
    )
  }
  return { outcome: "existed", isLatest: pointer.checkpointId === id, manifest, pointer }
}
