import { isDeepStrictEqual } from "node:util"
import { BackendError, CheckpointError } from "../errors.js"
import { newToken } from "../format/ids.js"
import { assertLabels, checkManifest } from "../format/manifest/check.js"
import { encodeManifest } from "../format/manifest/encode.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { checksumMeaning, inlineChecksum } from "../format/manifest/state-checksum.js"
import type { History } from "../history/history.js"
import { assertUsable, fenced, leads, unreliable, whyUnreliable } from "../history/lead.js"
import { counts } from "../history/rule.js"
import { show } from "../input/show.js"
import type { Place } from "../storage/place.js"
import { maxSwaps, ownVersionRefused, swap } from "../storage/swap.js"
import { writerEpochOf } from "../verify/read-manifest.js"

export type Change = (current: CheckpointManifest) => CheckpointManifest

/**
 * The changed manifest, with the fields that an update must not change: version, writer, and checksums and size of the
 * state. A wrong checksum would make a good checkpoint invalid.
 */
function keepIntegrity(
  current: CheckpointManifest,
  changed: CheckpointManifest,
  updateToken: string,
): CheckpointManifest {
  const { stateSize: _s, operatorChecksums: _o, writer: _w, seen: _e, ...rest } = changed
  return {
    ...rest,
    version: current.version,
    stateChecksum: current.stateChecksum,
    ...(current.stateSize === undefined ? {} : { stateSize: current.stateSize }),
    ...(current.operatorChecksums === undefined ? {} : { operatorChecksums: current.operatorChecksums }),
    ...(current.writer === undefined ? {} : { writer: current.writer }),
    ...(current.seen === undefined ? {} : { seen: current.seen }),
    updateToken,
  }
}

/**
 * Replaces a manifest by compare-and-swap. `change` gets the stored manifest; after a lost race it gets the manifest
 * that won. So concurrent updates all take effect, each once. The pointer is left alone.
 *
 * @throws {CheckpointError} `CKPT_UNKNOWN_OUTCOME` if an answer was lost and the stored manifest is not ours: ours may
 *   have been there, and another update may have replaced it
 */
export async function update(
  history: History,
  id: number,
  change: Change,
  signal: AbortSignal | undefined,
): Promise<CheckpointManifest> {
  const { place } = history
  const key = place.layout.manifestKey(id)
  let lost: { readonly token: string; readonly cause: BackendError } | undefined
  let refused: string | undefined
  for (let swaps = 0; swaps < maxSwaps; swaps++) {
    const { current, version } = await (lost === undefined
      ? readCurrent(history, id, signal)
      : readAfterLoss(history, id, lost.cause, signal))
    if (lost !== undefined) {
      if (current.updateToken !== lost.token) throw unknownUpdate(place, id, lost.cause)
      await place.storage.confirm([key], lost.cause, signal).catch((error: unknown) => {
        throw error instanceof BackendError ? unknownUpdate(place, id, error) : error
      })
      await assertStillLeads(history, id)
      return current
    }
    const own = ownVersionRefused(key, refused, version)
    if (own !== undefined) throw own
    const token = newToken()
    const next = changed(history, current, change, token)
    // Elsewhere a lock orders the updates, and they need no room.
    if (history.sharesStorage) await history.probe.once(signal)
    const swapped = await swap(place.storage, key, version, encodeManifest(next), signal)
    if (swapped.outcome === "done") {
      await assertStillLeads(history, id)
      return next
    }
    if (swapped.lost !== undefined) lost = { token, cause: swapped.lost }
    refused = version
  }
  const message = `the update of checkpoint ${id} lost ${maxSwaps} races to other updates, and changed nothing. Call update again.`
  throw new CheckpointError("CKPT_CONFLICT", message, { ...place.manifest(id), retryable: true })
}

/** After a lost answer: the manifest as it is now, whoever leads. Its token says whether the lost swap took effect. */
async function readAfterLoss(
  { place, verifier }: History,
  id: number,
  cause: BackendError,
  signal: AbortSignal | undefined,
): Promise<{ readonly current: CheckpointManifest; readonly version: string }> {
  const found = await verifier.manifest(id, signal).catch((error: unknown) => {
    throw error instanceof BackendError ? unknownUpdate(place, id, error) : error
  })
  // If the checkpoint is gone, others may have seen the change before retention removed it.
  if (found?.manifest === undefined || found.meta === undefined) throw unknownUpdate(place, id, cause)
  return { current: found.manifest, version: found.meta.version }
}

/**
 * The manifest that an update changes. The manifest is read first, then the history. In the other order a late update
 * could pass: with a history from before a claim, and a manifest from after the new leader recovered it.
 */
async function readCurrent(
  history: History,
  id: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly current: CheckpointManifest; readonly version: string }> {
  const { place, verifier } = history
  const found = await verifier.manifest(id, signal)
  const current = await history.current(signal)
  assertUsable(history, current)
  if (found === undefined || !counts(id, writerEpochOf(found.manifest), current.record)) {
    const message = `checkpoint ${id} does not exist, so it cannot be updated.`
    throw new CheckpointError("CKPT_NOT_FOUND", message, place.manifest(id))
  }
  const { manifest, meta, issues } = found
  if (manifest === undefined || meta === undefined) {
    const message = `checkpoint ${id} is damaged and cannot be updated: ${issues[0]?.message}. Use recover().`
    throw new CheckpointError("CKPT_CORRUPT", message, place.manifest(id))
  }
  return { current: manifest, version: meta.version }
}

/** The manifest that `change` gives, checked and copied: the caller may do with its own object as it likes. */
function changed(
  { place, verifier }: History,
  current: CheckpointManifest,
  change: Change,
  token: string,
): CheckpointManifest {
  const { checkpointId } = current
  const details = place.manifest(checkpointId)
  const invalid = (problem: string) => new CheckpointError("CKPT_INVALID", `update: ${problem}`, details)
  // A copy: what the change does to its argument must not reach the manifest that the result is compared with.
  const given = change(checkManifest(current))
  if (typeof given !== "object" || given === null || "then" in given) {
    const problem = `the change gave ${show(given)}; it must return the new manifest at once`
    throw invalid(`${problem}: (current) => ({ ...current, sinkCommitStatuses: … }). Nothing was written.`)
  }
  if (given.checkpointId !== checkpointId)
    throw invalid(`the change gave checkpointId ${given.checkpointId}; it must stay ${checkpointId}.`)
  const next = checkManifest(keepIntegrity(current, given, token))
  // Labels that were there already are no reason to refuse the commit of a sink.
  if (!isDeepStrictEqual(next.labels, current.labels)) assertLabels(next)
  if (
    checksumMeaning(current).of !== "state" &&
    inlineChecksum(next.operatorStates) !== inlineChecksum(current.operatorStates)
  )
    throw invalid(
      `checkpoint ${checkpointId} was written by the reference, and its state_checksum covers the inline states. Leave operatorStates as they are.`,
    )
  const before = new Set(verifier.validate(current, { expectedId: checkpointId }).map((issue) => issue.code))
  const broken = verifier
    .validate(next, { expectedId: checkpointId })
    .find((issue) => issue.severity === "fatal" && !before.has(issue.code))
  if (broken === undefined) return next
  const advice = "Nothing was written; correct the manifest."
  throw invalid(`checkpoint ${checkpointId} would not verify: ${broken.message}. ${advice}`)
}

/**
 * Reads the history again after the swap. If another writer has claimed meanwhile, the change stands all the same: the new
 * leader has recovered it, or recovers a newer checkpoint.
 */
async function assertStillLeads(history: History, id: number): Promise<void> {
  const { place } = history
  const current = await history.afterWriting().catch((error: unknown) => {
    // The change is there, but the history cannot be read, so nobody knows whether the change counts.
    throw error instanceof BackendError ? unknownUpdate(place, id, error) : error
  })
  const changed = whyUnreliable(history, current)
  if (changed !== undefined) throw unknownUpdate(place, id, unreliable(history, changed))
  if (leads(history, current.record)) return
  const { message } = fenced(history, current.record)
  const applied = `the update of checkpoint ${id} took effect, and then another writer was given the lead, who has it. ${message}`
  throw new CheckpointError("CKPT_FENCED", applied, { ...place.manifest(id), applied: true })
}

function unknownUpdate(place: Place, id: number, cause: BackendError): CheckpointError {
  const message = `nobody knows whether the update of checkpoint ${id} took effect: ${cause.message}. `
  const advice = "load() it to see whether your change is there, and update again if it is not."
  return new CheckpointError("CKPT_UNKNOWN_OUTCOME", message + advice, { ...place.manifest(id), cause })
}
