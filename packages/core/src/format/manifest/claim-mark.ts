import type { DecodedManifest } from "./decode.js"
import { encodeManifest } from "./encode.js"
import type { CheckpointManifest, WriterStamp } from "./model.js"

/** What the manifest of a writer that never claimed is given as its writer together with a mark. */
const nobody = { epoch: 0, token: "" }

/** The manifest as a claim leaves it, so that nobody before that claim updates it any more. */
export function marked(manifest: CheckpointManifest, epoch: number): Uint8Array {
  return encodeManifest({ ...manifest, writer: { ...nobody, ...manifest.writer, fenced: epoch } })
}

/** The manifest as its writer left it: a mark is not content, so a save still finds its own. `undefined`: it bears none. */
export function withoutMark({ manifest, issues }: DecodedManifest): Uint8Array | undefined {
  if (manifest?.writer?.fenced === undefined || issues.length > 0) return undefined
  const { writer, ...rest } = manifest
  const { fenced: _, ...stamp }: WriterStamp = writer
  const isNobody = stamp.epoch === nobody.epoch && stamp.token === nobody.token
  return encodeManifest(isNobody ? rest : { ...rest, writer: stamp })
}
