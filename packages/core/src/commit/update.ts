import { BackendError, CheckpointError } from "../errors.js"
import { newToken } from "../format/ids.js"
import { checkManifest } from "../format/manifest/check.js"
import { encodeManifest } from "../format/manifest/encode.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { checksumMeaning, inlineChecksum } from "../format/manifest/state-checksum.js"
import type { History } from "../history/history.js"
import { counts } from "../history/rule.js"
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
  const { stateSize: _s, operatorChecksums: _o, writer: _w, ...rest } = changed
  return {
    ...rest,
    version: current.version,
    stateChecksum: current.stateChecksum,
    ...(current.stateSize === undefined ? {} : { stateSize: current.stateSize }),
    ...(current.operatorChecksums === undefined ? {} : { operatorChecksums: current.operatorChecksums }),
    ...(current.writer === undefined ? {} : { writer: current.writer }),
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
    const { current, version } = await readCurrent(history, id, signal).catch((error: unknown) => {
      throw lost !== undefined && tellsNothingOfLost(error) ? unknownUpdate(place, id, lost.cause) : error
    })
    if (lost !== undefined) {
      if (current.updateToken !== lost.token) throw unknownUpdate(place, id, lost.cause)
      await place.storage.confirm([key], lost.cause, signal).catch((error: unknown) => {
        throw error instanceof BackendError ? unknownUpdate(place, id, error) : error
      })
      return current
    }
    const own = ownVersionRefused(key, refused, version)
    if (own !== undefined) throw own
    const token = newToken()
    const next = changed(history, current, change, token)
    const swapped = await swap(place.storage, key, version, encodeManifest(next), signal)
    if (swapped.outcome === "done") {
      await confirmLead(history, id, signal)
      return next
    }
    if (swapped.lost !== undefined) lost = { token, cause: swapped.lost }
    refused = version
  }
  const message = `the update of checkpoint ${id} lost ${maxSwaps} races to other updates, and changed nothing. Call update again.`
  throw new CheckpointError("CKPT_CONFLICT", message, { ...place.manifest(id), retryable: true })
}

/**
 * True if the manifest could not be had after a lost answer, so that nobody knows whether the lost swap took effect. Also
 * if the checkpoint is gone: others may have seen the change before retention removed it. A writer that was superseded
 * hears of that instead.
 */
function tellsNothingOfLost(error: unknown): boolean {
  return error instanceof BackendError || (error instanceof CheckpointError && error.code !== "CKPT_FENCED")
}

/**
 * The manifest that an update changes. The manifest is read first, then the pointer. In the other order a late update
 * could pass: with a pointer from before a claim, and a manifest from after the claim's mark.
 */
async function readCurrent(
  history: History,
  id: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly current: CheckpointManifest; readonly version: string }> {
  const { place, verifier } = history
  const found = await verifier.manifest(id, signal)
  const pointer = history.pointerHasRoom ? await history.pointer.read(signal) : undefined
  if (pointer !== undefined) history.pointer.assertLeads(pointer)
  if (found === undefined || (pointer !== undefined && !counts(id, writerEpochOf(found.manifest), pointer))) {
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
  if (typeof given !== "object" || given === null || "then" in given)
    throw invalid("the change must return the new manifest at once, not a promise.")
  if (given.checkpointId !== checkpointId)
    throw invalid(`the change gave checkpointId ${given.checkpointId}; it must stay ${checkpointId}.`)
  const next = checkManifest(keepIntegrity(current, given, token))
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
 * Reads the pointer again after the swap: an update must not be acknowledged once another writer has claimed the store.
 */
async function confirmLead(history: History, id: number, signal: AbortSignal | undefined): Promise<void> {
  if (history.leader === undefined) return
  const pointer = await history.pointer.read(signal).catch((error: unknown) => {
    // The change is there, but the pointer cannot be read, so nobody knows whether the change counts.
    throw error instanceof BackendError ? unknownUpdate(history.place, id, error) : error
  })
  history.pointer.assertLeads(pointer)
}

function unknownUpdate(place: Place, id: number, cause: BackendError): CheckpointError {
  const message = `nobody knows whether the update of checkpoint ${id} took effect: ${cause.message}. `
  const advice = "load() it to see whether your change is there, and update again if it is not."
  return new CheckpointError("CKPT_UNKNOWN_OUTCOME", message + advice, { ...place.manifest(id), cause })
}
