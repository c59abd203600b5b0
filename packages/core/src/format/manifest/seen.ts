import type { DecodedManifest } from "./decode.js"
import { encodeManifest } from "./encode.js"
import { type CheckpointManifest, MAX_MANIFEST_BYTES } from "./model.js"

/** A manifest as a leader writes it that recovered it: new bytes, so that an update that read the old ones fails. */
export function markedSeen(manifest: CheckpointManifest, epoch: number, token: string): CheckpointManifest {
  return { ...manifest, updateToken: token, seen: epoch }
}

/**
 * The bytes of a manifest as its writer wrote it, if leaders have recovered it since: a save that is repeated still finds
 * its own manifest. `undefined`: no leader has.
 */
export function withoutSeen({ manifest, issues }: DecodedManifest): Uint8Array | undefined {
  if (manifest?.seen === undefined || issues.length > 0) return undefined
  const { seen: _s, updateToken: _u, ...rest } = manifest
  return encodeManifest(rest, MAX_MANIFEST_BYTES)
}
