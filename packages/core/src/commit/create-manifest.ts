import { BackendError } from "../errors.js"
import { withoutMark } from "../format/manifest/claim-mark.js"
import { decodeManifest } from "../format/manifest/decode.js"
import { encodeManifest } from "../format/manifest/encode.js"
import { type CheckpointManifest, MAX_MANIFEST_BYTES } from "../format/manifest/model.js"
import type { History } from "../history/history.js"
import type { Place } from "../storage/place.js"
import { bytesBody } from "../storage/storage.js"
import { conflict, unknownOutcome } from "./outcome.js"

export async function createManifestObject(
  history: History,
  manifest: CheckpointManifest,
  signal: AbortSignal | undefined,
): Promise<"created" | "existed"> {
  const { place } = history
  const { storage, layout } = place
  const id = manifest.checkpointId
  const bytes = encodeManifest(manifest)
  const lostAnswers = storage.lostAnswers(layout.manifestKey(id))
  for (let attempt = 1; ; attempt++) {
    let failure: BackendError
    try {
      await storage.put(layout.manifestKey(id), bytesBody(bytes), { when: "absent", signal })
      return "created"
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      failure = error
    }
    if (failure.kind !== "precondition" && failure.kind !== "ambiguous") {
      // An earlier attempt of ours may still land.
      throw attempt > 1 ? unknownOutcome(place, id, failure) : failure
    }
    if (failure.unsettleable) throw unknownOutcome(place, id, failure)
    // After a lost answer what refuses us may be our own manifest, updated since.
    const unclear = attempt > 1 && failure.kind === "precondition"
    const cause = unclear ? new BackendError("ambiguous", failure.message, { cause: failure }) : failure
    const settled = await settleManifest(place, manifest, bytes, signal, cause)
    // What reads back as ours after a lost answer was created by us, as far as anyone can tell.
    if (settled !== "absent") return attempt > 1 ? "created" : settled
    if (failure.kind === "precondition") throw conflict(place, id, "it was there and was removed meanwhile")
    // A late request of ours may still land. Above every other id that does no harm; below one, it could come up after
    // retention decided without it.
    if (!(await lostAnswers.tryAgain(failure, signal)) || (await higherIdExists(history, id, signal)))
      throw unknownOutcome(place, id, failure)
  }
}

async function higherIdExists(history: History, id: number, signal: AbortSignal | undefined): Promise<boolean> {
  const listing = await history.lister.manifests(signal).catch((error: unknown) => {
    throw error instanceof BackendError ? unknownOutcome(history.place, id, error) : error
  })
  for (const other of listing.manifests.keys()) if (other > id) return true
  return false
}

/** What a failed create left: our bytes, nothing, or (rejecting) another's. */
export async function settleManifest(
  place: Place,
  manifest: CheckpointManifest,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
  cause: BackendError,
): Promise<"created" | "existed" | "absent"> {
  const id = manifest.checkpointId
  const key = place.layout.manifestKey(id)
  let stored: Awaited<ReturnType<typeof place.storage.readBytes>>
  try {
    stored = await place.storage.readBytes(key, MAX_MANIFEST_BYTES, signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof BackendError && error.kind === "damaged")
      throw conflict(place, id, `its manifest cannot be read (${error.message})`)
    throw unknownOutcome(place, id, cause)
  }
  if (stored === undefined) return "absent"
  if (stored.bytes !== undefined) {
    const isOurs = (one: Uint8Array) => Buffer.from(bytes).equals(one)
    const ours = cause.kind === "ambiguous" ? "created" : "existed"
    if (isOurs(stored.bytes)) return ours
    const there = decodeManifest(stored.bytes)
    const unmarked = withoutMark(there)
    if (unmarked !== undefined && isOurs(unmarked)) return ours
    // Ours may have landed and been updated since by another writer: then this is no conflict.
    if (cause.kind === "ambiguous" && there.manifest?.updateToken !== undefined) throw unknownOutcome(place, id, cause)
  }
  throw conflict(place, id, "a manifest with other content is there")
}
