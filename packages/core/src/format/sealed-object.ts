import { digestOf } from "../bytes/sha256.js"

/**
 * An object as `openObjects` stores it: a head of 64 bytes, then the content.
 *
 *     0   "CKPTOBJ", then the version of this format: 1
 *     8   bytes of the content, u64, big-endian
 *     16  token: 16 random bytes, new for each write
 *     32  SHA-256 of bytes 0 to 31, the key's length in bytes (u32, big-endian), the key (UTF-8, without the prefix), the content
 *     64  the content
 *
 * The key is in the checksum, so that an object under another's key does not verify. The token makes the bytes of each write
 * differ: a writer knows its own object again, and no version of the storage comes twice.
 */
const magic = Buffer.from("CKPTOBJ\u0001", "latin1")
const tokenAt = 16
const checksumAt = 32
export const headBytes = 64
export const tokenBytes = checksumAt - tokenAt

/** What is stored: head and content in one piece, which nobody else changes. */
export async function seal(
  key: string,
  content: Uint8Array,
  token: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const stored = Buffer.alloc(headBytes + content.length)
  stored.set(magic)
  stored.writeBigUInt64BE(BigInt(content.length), magic.length)
  stored.set(token, tokenAt)
  stored.set(content, headBytes)
  stored.write(await checksumOf(key, stored, signal), checksumAt, "hex")
  return stored
}

export type Unsealed =
  | { readonly token: Buffer; readonly content: Uint8Array; readonly damage?: never }
  | { readonly damage: string }

/** What was stored under this key, or why it does not verify. */
export async function unseal(key: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<Unsealed> {
  const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (stored.length < headBytes) return { damage: `it has ${stored.length} bytes, and the head alone has ${headBytes}` }
  const name = magic.length - 1
  if (!stored.subarray(0, name).equals(magic.subarray(0, name)))
    return { damage: "it does not begin as an object does" }
  if (stored[name] !== magic[name]) return { damage: `its format is ${stored[name]}, and this release reads 1` }
  const size = stored.readBigUInt64BE(magic.length)
  const content = stored.subarray(headBytes)
  if (size !== BigInt(content.length)) return { damage: `it has ${content.length} bytes of ${size}` }
  if ((await checksumOf(key, stored, signal)) !== stored.toString("hex", checksumAt, headBytes))
    return { damage: "its checksum does not match: its bytes changed, or it belongs to another key" }
  return {
    token: stored.subarray(tokenAt, checksumAt),
    content: new Uint8Array(bytes.buffer, content.byteOffset, content.length),
  }
}

async function checksumOf(key: string, stored: Buffer, signal: AbortSignal | undefined): Promise<string> {
  const name = Buffer.from(key)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(name.length)
  const digest = await digestOf([stored.subarray(0, checksumAt), length, name, stored.subarray(headBytes)], signal)
  return digest.hex()
}
