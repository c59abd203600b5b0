/** The last field of a stored manifest: the SHA-256 of all bytes before it. Its form is fixed, and so is its length. */

export const CHECKSUM_KEY = "manifest_checksum"
export const checksumTail = (hex: string): string => `,\n  "${CHECKSUM_KEY}": "${hex}"\n}`
/** The fields that only this library writes. A manifest with any of them has a checksum, or its checksum was damaged. */
export const OWN_FIELDS = ["state_size", "operator_checksums", "labels", "writer", "update_token", "seen"] as const
export const NO_CHECKSUM = "0".repeat(64)
export const TAIL_LENGTH = checksumTail(NO_CHECKSUM).length
