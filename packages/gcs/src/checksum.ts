import { createHash, getFips } from "node:crypto"
import type { GcsClient } from "./client.js"

/** A checksum over the bytes of one object, which the service calculates too. */
export interface Checksum {
  /** Its name in the header `x-goog-hash`. */
  readonly name: "md5" | "crc32c"
  /** Its name in the object's metadata. */
  readonly field: "md5Hash" | "crc32c"
  update(bytes: Uint8Array): void
  /** Base64. */
  value(): string
}

/**
 * MD5, or CRC32C where FIPS mode rules MD5 out. Node calculates MD5 natively, at some 700 MB/s; the CRC32C of the
 * client is JavaScript, at 50 to 250 MB/s. An object has an MD5 unless it was composed of others, and this package
 * composes none.
 */
export function newChecksum(client: GcsClient): Checksum {
  if (getFips() === 1) return crc32c(client)
  const hash = createHash("md5")
  return {
    name: "md5",
    field: "md5Hash",
    update: (bytes) => void hash.update(bytes),
    value: () => hash.copy().digest("base64"),
  }
}

function crc32c(client: GcsClient): Checksum {
  const crc = client.crc32cGenerator()
  return {
    name: "crc32c",
    field: "crc32c",
    update: (bytes) => crc.update(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    value: () => crc.toString(),
  }
}

/** One value of an `x-goog-hash: crc32c=…,md5=…` header. */
export function headerChecksum(header: string | null, name: Checksum["name"]): string | undefined {
  const entries = (header ?? "").split(",").map((entry) => entry.trim())
  return entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1)
}
