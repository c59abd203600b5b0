/**
 * Writing a checkpoint: state, then manifest; then the history says that the checkpoint counts. State and manifest are each
 * created only if nothing is there. Invariant: a save never overwrites and never deletes, whatever happens.
 */

import { CheckpointError } from "../errors.js"
import type { History } from "../history/history.js"
import { fenced } from "../history/lead.js"
import { acknowledge, assertMayWrite } from "./acknowledge.js"
import { type Created, createAtOnce } from "./at-once.js"
import { createManifestObject } from "./create-manifest.js"
import { createState } from "./create-state.js"
import { type Committed, type Job, storedForm } from "./job.js"

/** Commits a prepared save. For each step, `packages/exploration` has a schedule that loses data without the step. */
export async function commit(history: History, job: Job): Promise<Committed> {
  await assertMayWrite(history, job.id, job.signal)
  try {
    return await acknowledge(history, (await createAtOnce(history, job)) ?? (await createInTurn(history, job)))
  } catch (error) {
    // A successor may have saved under this id. Then another id would not help, and the error is CKPT_FENCED.
    if (error instanceof CheckpointError && error.code === "CKPT_CONFLICT")
      await refuseIfSuperseded(history, job.signal)
    throw error
  }
}

async function createInTurn(history: History, job: Job): Promise<Created> {
  const state = job.feed === undefined ? undefined : await createState(history.place, job.id, job.feed, job.signal)
  const manifest = job.manifest(state)
  return {
    manifest,
    outcome: await createManifestObject(history.place, manifest, storedForm(job, manifest), job.signal),
  }
}

/** @throws {CheckpointError} `CKPT_FENCED` if the history says that another writer leads */
async function refuseIfSuperseded(history: History, signal: AbortSignal | undefined): Promise<void> {
  const current = await history.current(signal).catch(() => undefined)
  if (current !== undefined && current.record.epoch > history.epoch) throw fenced(history, current.record)
}
