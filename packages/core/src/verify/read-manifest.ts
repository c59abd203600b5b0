import type { Share } from "../async/budget.js"
import { atOnce, inTurns, isLong, type Work } from "../async/turns.js"
import { BackendError } from "../errors.js"
import { type DecodedManifest, decodingManifest } from "../format/manifest/decode.js"
import { fatal, type ValidationIssue } from "../format/manifest/issues.js"
import { type CheckpointManifest, MAX_MANIFEST_BYTES } from "../format/manifest/model.js"
import { checksumMeaning, findingMeaning } from "../format/manifest/state-checksum.js"
import { anotherId } from "../format/manifest/validate.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Place } from "../storage/place.js"

/** A manifest as it is stored. `manifest` is `undefined` if its bytes cannot be decoded; then the issues say why. */
export interface FoundManifest {
  readonly meta: ObjectMeta | undefined
  readonly manifest: CheckpointManifest | undefined
  readonly issues: readonly ValidationIssue[]
}

/**
 * True if a manifest says that it has a state, false if it says that it has none, `undefined` if it (a legacy one) does
 * not say.
 */
export function ownsState(manifest: CheckpointManifest): boolean | undefined {
  if (checksumMeaning(manifest).of === "inline") return false
  if (manifest.stateChecksum !== null || (manifest.stateSize ?? 0) > 0) return true
  return manifest.stateSize === undefined ? undefined : false
}

/**
 * The epoch of a manifest's writer: 0 if it names none. `undefined` if the manifest cannot be read: its writer is not known,
 * so no claim rules it out.
 */
export function writerEpochOf(manifest: CheckpointManifest | undefined): number | undefined {
  return manifest && (manifest.writer?.epoch ?? 0)
}

/**
 * The epochs of a manifest: of its writer, and the highest that it `carries`: also of the leader that recovered it last.
 * `undefined` if the manifest cannot be read.
 */
export function epochsOf(manifest: CheckpointManifest | undefined) {
  if (manifest === undefined) return undefined
  const writer = manifest.writer?.epoch ?? 0
  return { writer, carries: Math.max(writer, manifest.seen ?? 0) }
}

/**
 * Reads and decodes one manifest. A manifest of another id is not this one's: its fields are not believed. `undefined`: no
 * manifest is there. Damage is an issue; only a failure of the storage rejects.
 *
 * @param given the share of the caller, who lets go of the manifest before the share. Without it, the budget bounds reading
 *   and decoding, and the manifest is the caller's
 */
export async function readManifest(
  place: Place,
  id: number,
  signal?: AbortSignal,
  given?: Share,
): Promise<FoundManifest | undefined> {
  const share = given ?? place.manifestBytes.share()
  const damaged = (issue: ValidationIssue, meta?: ObjectMeta): FoundManifest => ({
    meta,
    manifest: undefined,
    issues: [issue],
  })
  try {
    const stored = await place.storage.readBytes(place.layout.manifestKey(id), MAX_MANIFEST_BYTES, signal, share)
    if (stored === undefined) return undefined
    if (stored.bytes === undefined) {
      const message = `corrupt manifest: ${stored.meta.size} bytes, at most ${MAX_MANIFEST_BYTES} are read`
      return damaged(fatal("manifest-too-large", message), stored.meta)
    }
    const work = decodingAll(stored.bytes)
    const { manifest, issues } = isLong(stored.bytes.length) ? await inTurns(work, signal) : atOnce(work)
    if (manifest !== undefined && manifest.checkpointId !== id) {
      return { meta: stored.meta, manifest: undefined, issues: [...issues, anotherId(id, manifest.checkpointId)] }
    }
    return { meta: stored.meta, manifest, issues }
  } catch (error) {
    if (!(error instanceof BackendError) || error.kind !== "damaged") throw error
    return damaged(fatal("manifest-corrupt", `corrupt manifest: ${error.message}`))
  } finally {
    if (given === undefined) share.release()
  }
}

/** Also what its state's checksum is of, which takes long where it covers many operators. From then on it is remembered. */
function* decodingAll(bytes: Uint8Array): Work<DecodedManifest> {
  const decoded = yield* decodingManifest(bytes)
  if (decoded.manifest !== undefined) yield* findingMeaning(decoded.manifest)
  return decoded
}
