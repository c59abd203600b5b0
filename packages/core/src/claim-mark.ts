import { decodeManifest, encodeManifest } from "./manifest/codec.js"
import type { CheckpointManifest, WriterStamp } from "./manifest/schema.js"

/** What the manifest of a writer that never claimed is given as its writer together with a mark. */
const nobody = { epoch: 0, token: "" }

/** The manifest as a claim leaves it, so that nobody before that claim updates it any more. */
export function marked(manifest: CheckpointManifest, epoch: number): Uint8Array {
  return encodeManifest({ ...manifest, writer: { ...nobody, ...manifest.writer, fenced: epoch } })
}

/** The manifest as its writer left it. A mark is not content: a save still finds its own. */
export function withoutMark(stored: Uint8Array): Uint8Array {
  const { manifest, issues } = decodeManifest(stored)
  if (manifest?.writer?.fenced === undefined || issues.length > 0) return stored
  const { writer, ...rest } = manifest
  const { fenced: _, ...stamp }: WriterStamp = writer
  const isNobody = stamp.epoch === nobody.epoch && stamp.token === nobody.token
  return encodeManifest(isNobody ? rest : { ...rest, writer: stamp })
}
