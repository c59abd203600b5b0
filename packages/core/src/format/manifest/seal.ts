/** The last field of a stored manifest: the SHA-256 of all bytes before it. Its form is fixed, and so is its length. */

export const CHECKSUM_KEY = "manifest_checksum"
export const checksumTail = (hex: string): string => `,\n  "${CHECKSUM_KEY}": "${hex}"\n}`
export const NO_CHECKSUM = "0".repeat(64)
export const TAIL_LENGTH = checksumTail(NO_CHECKSUM).length
