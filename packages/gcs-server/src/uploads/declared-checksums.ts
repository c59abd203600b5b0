import type { Checksums } from "../checksums.js"
import { invalid } from "../errors.js"

/** The checksums that the uploader gives for the bytes. */
export type DeclaredChecksums = Partial<Checksums>

/** The checksums of an `x-goog-hash: crc32c=…,md5=…` header. */
export function parseHashHeader(header: string | string[] | undefined): DeclaredChecksums {
  const declared: { -readonly [K in keyof Checksums]?: string } = {}
  for (const part of String(header ?? "").split(",")) {
    const [name, value] = splitOnce(part.trim())
    if (name === "crc32c") declared.crc32c = value
    if (name === "md5") declared.md5Hash = value
  }
  return declared
}

// Base64 ends in "=", so only the first "=" separates.
function splitOnce(part: string): [name: string, value: string] {
  const at = part.indexOf("=")
  return at === -1 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)]
}

/** @throws {ServiceError} 400: the bytes were damaged on the way, and nothing is stored */
export function checkDeclared(declared: DeclaredChecksums, calculated: Checksums): void {
  const { crc32c, md5Hash } = declared
  if (crc32c !== undefined && crc32c !== calculated.crc32c) {
    throw invalid(`Provided CRC32C "${crc32c}" doesn't match calculated CRC32C "${calculated.crc32c}".`)
  }
  if (md5Hash !== undefined && md5Hash !== calculated.md5Hash) {
    throw invalid(`Provided MD5 hash "${md5Hash}" doesn't match calculated MD5 hash "${calculated.md5Hash}".`)
  }
}
