import type { DecodedManifest } from "./decode.js"
import { encodeManifest } from "./encode.js"
import type { CheckpointManifest, WriterStamp } from "./model.js"

/** The `writer` that a mark needs, if the manifest is a plain writer's and names none. */
const nobody = { epoch: 0, token: "" }

/** The bytes of a manifest with the mark of a claim. An update that read the manifest before the claim now fails. */
export function marked(manifest: CheckpointManifest, epoch: number): Uint8Array {
  return encodeManifest({ ...manifest, writer: { ...nobody, ...manifest.writer, fenced: epoch } })
}

/**
 * The bytes of a manifest without its mark, as its writer wrote it: a save that is repeated still finds its own
 * manifest. `undefined`: the manifest has no mark.
 */
export function withoutMark({ manifest, issues }: DecodedManifest): Uint8Array | undefined {
  if (manifest?.writer?.fenced === undefined || issues.length > 0) return undefined
  const { writer, ...rest } = manifest
  const { fenced: _, ...stamp }: WriterStamp = writer
  const isNobody = stamp.epoch === nobody.epoch && stamp.token === nobody.token
  return encodeManifest(isNobody ? rest : { ...rest, writer: stamp })
}
