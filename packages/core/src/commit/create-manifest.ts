import { BackendError } from "../errors.js"
import { decodeManifest } from "../format/manifest/decode.js"
import { encodeManifest } from "../format/manifest/encode.js"
import { type CheckpointManifest, MAX_MANIFEST_BYTES } from "../format/manifest/model.js"
import { withoutSeen } from "../format/manifest/seen.js"
import { createOnce } from "../storage/create-once.js"
import type { Place } from "../storage/place.js"
import { bytesBody } from "../storage/storage.js"
import { assertDurable, conflict, unknownOutcome } from "./outcome.js"

/**
 * Creates a manifest, if no manifest is there. `existed`: the same manifest was there already.
 *
 * @param bytes its stored form
 * @param replaces the version of a damaged manifest, in whose place it comes
 * @throws {CheckpointError} `CKPT_CONFLICT` if another manifest is there: the id is burnt. `CKPT_UNKNOWN_OUTCOME` if
 *   nobody knows whether this manifest is there, or will be
 */
export async function createManifestObject(
  place: Place,
  manifest: CheckpointManifest,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
  replaces?: string,
): Promise<"created" | "existed"> {
  const id = manifest.checkpointId
  const when = replaces === undefined ? "absent" : { version: replaces }
  const created = await createOnce(place.storage, place.layout.manifestKey(id), bytesBody(bytes), { when, signal })
  if (created.outcome === "created") return "created"
  const { lost } = created
  if (lost?.unsettleable) throw unknownOutcome(place, id, lost)
  const cause = lost ?? created.cause
  const settled = await settleManifest(place, manifest, bytes, signal, cause)
  if (settled !== "absent") {
    // A storage that refuses has found a durable manifest. A reading alone has not.
    if (created.outcome === "unknown") await assertDurable(place, id, [place.layout.manifestKey(id)], cause, signal)
    return settled
  }
  if (created.outcome === "taken") throw conflict(place, id, "a manifest was there, and was removed meanwhile")
  throw unknownOutcome(place, id, cause)
}

/**
 * Settles a failed create by reading the key. `created` or `existed`: our manifest is there. `absent`: no manifest is
 * there.
 *
 * @param cause why the create failed; our manifest is `created` after a lost answer, `existed` after a refusal
 * @throws {CheckpointError} `CKPT_CONFLICT` if another manifest is there, `CKPT_UNKNOWN_OUTCOME` if the key cannot be
 *   read or the manifest may be ours, updated since
 */
export async function settleManifest(
  place: Place,
  manifest: CheckpointManifest,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
  cause: BackendError,
): Promise<"created" | "existed" | "absent"> {
  const id = manifest.checkpointId
  const key = place.layout.manifestKey(id)
  const share = place.manifestBytes.share()
  let stored: Awaited<ReturnType<typeof place.storage.readBytes>>
  try {
    stored = await place.storage.readBytes(key, MAX_MANIFEST_BYTES, signal, share)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof BackendError && error.kind === "damaged")
      throw conflict(place, id, `its manifest cannot be read (${error.message})`)
    throw unknownOutcome(place, id, cause)
  } finally {
    share.release()
  }
  if (stored === undefined) return "absent"
  let hint = ""
  if (stored.bytes !== undefined) {
    const isOurs = (one: Uint8Array) => Buffer.from(bytes).equals(one)
    const ours = cause.kind === "ambiguous" ? "created" : "existed"
    if (isOurs(stored.bytes)) return ours
    const there = decodeManifest(stored.bytes)
    const asWritten = withoutSeen(there)
    if (asWritten !== undefined && isOurs(asWritten)) return ours
    // Our manifest may have landed, and another writer may have updated it since. So this is no certain conflict.
    if (cause.kind === "ambiguous" && there.manifest?.updateToken !== undefined) throw unknownOutcome(place, id, cause)
    hint = differsIn(bytes, stored.bytes, there.manifest)
  }
  throw conflict(place, id, `a manifest with other content is there${hint}`)
}

/**
 * A save that was repeated with a manifest that was made anew: it differs in the time when it was made, and in nothing else. Our
 * manifest is written with the other time, not the other way round: only ours can be written for certain.
 */
function differsIn(bytes: Uint8Array, stored: Uint8Array, there: CheckpointManifest | undefined): string {
  const ours = decodeManifest(bytes).manifest
  if (ours === undefined || there === undefined) return ""
  const { timestampMs } = there
  const isSame = Buffer.from(encodeManifest({ ...ours, timestampMs }, MAX_MANIFEST_BYTES)).equals(stored)
  return isSame
    ? " (timestampMs alone differs: to repeat a save, save the same manifest object, not one that is made anew)"
    : ""
}
