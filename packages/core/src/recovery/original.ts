import { decodeManifest } from "../format/manifest/decode.js"
import { fatal } from "../format/manifest/issues.js"
import { type CheckpointManifest, MAX_MANIFEST_BYTES } from "../format/manifest/model.js"
import type { History } from "../history/history.js"
import { openCheckpoint } from "../state/checkpoint.js"
import type { StateReader } from "../state/reader.js"
import { damaged } from "./load.js"

/** A checkpoint as it lies there: the bytes of its manifest, and its state, verified while it is read. */
export interface FoundOriginal {
  readonly manifest: CheckpointManifest
  readonly bytes: Uint8Array
  readonly state: StateReader | undefined
}

/**
 * One checkpoint, to be copied; `undefined` if it does not exist or does not count.
 *
 * @throws {CheckpointError} `CKPT_CORRUPT` if the manifest has a fatal issue
 */
export async function original(
  history: History,
  id: number,
  signal: AbortSignal | undefined,
): Promise<FoundOriginal | undefined> {
  const { place, verifier } = history
  const { storage, layout } = place
  const share = place.manifestBytes.share()
  try {
    const stored = await storage.readBytes(layout.manifestKey(id), MAX_MANIFEST_BYTES, signal, share)
    if (stored === undefined) return undefined
    const { bytes } = stored
    const { manifest, issues } =
      bytes === undefined
        ? { manifest: undefined, issues: [fatal("manifest-too-large", `it has ${stored.meta.size} bytes`)] }
        : decodeManifest(bytes)
    if (!(await history.counts(id, manifest, signal))) return undefined
    if (manifest === undefined || bytes === undefined) throw damaged(history, id, issues)
    const isSized = manifest.stateSize !== undefined
    const stateMeta = isSized ? undefined : await storage.head(layout.stateKey(id), signal)
    const found = verifier.validate(manifest, { expectedId: id, stateSize: stateMeta?.size ?? 0 })
    if (found.some(({ severity }) => severity === "fatal")) throw damaged(history, id, found)
    return { manifest, bytes, state: await openCheckpoint(history, manifest, { stateMeta, signal }).state() }
  } finally {
    share.release()
  }
}
