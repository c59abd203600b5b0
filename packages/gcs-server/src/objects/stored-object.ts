import type { Checksums } from "../checksums.js"
import type { Content } from "../content.js"
import type { Attributes } from "./attributes.js"

/** One live object. It never changes: a PATCH puts another object in its place. */
export interface StoredObject extends Checksums {
  readonly bucket: string
  readonly name: string
  /** About the microseconds since 1970; unique and rising over the whole server. */
  readonly generation: number
  readonly metageneration: number
  readonly content: Content
  readonly attributes: Attributes
  /** Milliseconds since 1970. */
  readonly timeCreated: number
  readonly updated: number
}

/** As the service builds it: base64 of a protobuf message with generation and metageneration. Looks like `CJDb…EAE=`. */
export function etagOf(object: { readonly generation: number; readonly metageneration: number }): string {
  return Buffer.from([0x08, ...varint(object.generation), 0x10, ...varint(object.metageneration)]).toString("base64")
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = BigInt(value)
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return bytes
}

/** The resource as JSON; 64-bit numbers are strings there. `origin` is the server as the client addressed it. */
export function objectResource(object: StoredObject, origin: string): Record<string, unknown> {
  const path = `storage/v1/b/${object.bucket}/o/${encodeURIComponent(object.name)}`
  const created = new Date(object.timeCreated).toISOString()
  return {
    kind: "storage#object",
    id: `${object.bucket}/${object.name}/${object.generation}`,
    selfLink: `${origin}/${path}`,
    mediaLink: `${origin}/download/${path}?generation=${object.generation}&alt=media`,
    name: object.name,
    bucket: object.bucket,
    generation: String(object.generation),
    metageneration: String(object.metageneration),
    storageClass: "STANDARD",
    ...object.attributes,
    size: String(object.content.size),
    md5Hash: object.md5Hash,
    crc32c: object.crc32c,
    etag: etagOf(object),
    timeCreated: created,
    updated: new Date(object.updated).toISOString(),
    timeStorageClassUpdated: created,
    timeFinalized: created,
  }
}
