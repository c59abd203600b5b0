/**
 * Writing a checkpoint: state, then manifest, then pointer. State and manifest are each created only if nothing is
 * there; the pointer only moves forward. Invariant: a save never overwrites and never deletes, whatever happens.
 */

import { CheckpointError } from "../errors.js"
import type { History } from "../history/history.js"
import { acknowledge } from "./acknowledge.js"
import { commitAsLeader } from "./as-leader.js"
import { commitAtOnce } from "./at-once.js"
import { createManifestObject } from "./create-manifest.js"
import { assertStateThere, createState } from "./create-state.js"
import type { Committed, Job } from "./job.js"

/** Commits a prepared save. For each step, `packages/exploration` has a schedule that loses data without the step. */
export async function commit(history: History, job: Job): Promise<Committed> {
  try {
    const { leader } = history
    return await (leader === undefined ? commitPlainly(history, job) : commitAsLeader(history, leader, job))
  } catch (error) {
    // A successor may have saved under this id, or marked the manifest that is there. Then another id would not help,
    // and the error is CKPT_FENCED.
    if (error instanceof CheckpointError && error.code === "CKPT_CONFLICT")
      await refuseIfSuperseded(history, job.signal)
    throw error
  }
}

/** @throws {CheckpointError} `CKPT_FENCED` if the pointer says that another writer leads */
async function refuseIfSuperseded(history: History, signal: AbortSignal | undefined): Promise<void> {
  if (!history.hasClaims) return
  const current = await history.pointer.read(signal).catch(() => undefined)
  if (current !== undefined) history.pointer.assertLeads(current)
}

/** The commit of a plain store: the checkpoint counts as soon as its manifest is there. */
async function commitPlainly(history: History, job: Job): Promise<Committed> {
  const atOnce = await commitAtOnce(history, job)
  if (atOnce !== undefined) return atOnce
  if (!history.pointerHasRoom) return commitWithoutFloor(history, job)
  const state = job.feed === undefined ? undefined : await createState(history.place, job.id, job.feed, job.signal)
  const manifest = job.manifest(state)
  const outcome = await createManifestObject(history, manifest, job.signal)
  return acknowledge(history, manifest, outcome)
}

/**
 * The commit of a plain store whose pointer has no room for a floor. A removal of this process may have taken the state away
 * before the manifest is there, so the save looks whether it is still there, in turn with all removals.
 */
async function commitWithoutFloor(history: History, job: Job): Promise<Committed> {
  const { id, feed, ahead, signal } = job
  const removals = await history.removals(signal)
  const { ended } = removals
  const state = feed === undefined ? ahead : await createState(history.place, id, feed, signal)
  const manifest = job.manifest(state)
  const outcome = await removals.run({ together: [id] }, signal, async () => {
    const mayBeGone = feed === undefined || removals.ended !== ended
    if (state !== undefined && mayBeGone) await assertStateThere(history.place, id, state, signal)
    return createManifestObject(history, manifest, signal)
  })
  return acknowledge(history, manifest, outcome)
}
