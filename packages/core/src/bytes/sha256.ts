import { createHash, type Hash } from "node:crypto"
import type { Work } from "../async/turns.js"

/** Bytes hashed in one call. Shorter calls cost measurably more per byte; longer calls hold up the event loop. */
const hashSliceBytes = 1024 * 1024

/** The SHA-256 of some bytes, as 64 lower-case hex digits. For short arrays: it does not yield to the event loop. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}

/** {@link sha256} as work with pauses. */
export function* hashing(bytes: Uint8Array): Work<string> {
  const hash = createHash("sha256")
  for (let at = 0; at < bytes.length; at += hashSliceBytes) {
    if (at > 0) yield
    hash.update(bytes.subarray(at, at + hashSliceBytes))
  }
  return hash.digest("hex")
}

/** True for a SHA-256 in its stored form: 64 lower-case hex digits. */
export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

/** A running SHA-256 that knows how many bytes it has seen. */
export class Digest {
  readonly #hash: Hash = createHash("sha256")
  readonly #prefixed: Hash | undefined
  #size = 0

  /** @param prefix the digest also {@link has} the checksum of the bytes behind these */
  constructor(prefix?: Uint8Array) {
    if (prefix !== undefined) this.#prefixed = createHash("sha256").update(prefix)
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.#prefixed?.update(bytes)
    this.#size += bytes.length
  }

  get size(): number {
    return this.#size
  }

  /** The SHA-256 of all bytes so far, as 64 lower-case hex digits. More bytes may follow. */
  hex(): string {
    return this.#hash.copy().digest("hex")
  }

  /** Whether the bytes so far, alone or behind the prefix, have this checksum. */
  has(checksum: string): boolean {
    return this.hex() === checksum || this.#prefixed?.copy().digest("hex") === checksum
  }
}

/** The digest of chunks, one behind the other. It yields to the event loop after every MiB. */
export async function digestOf(chunks: Iterable<Uint8Array>, signal?: AbortSignal): Promise<Digest> {
  const digest = new Digest()
  let sinceYield = 0
  for (const chunk of chunks) {
    for (let offset = 0; offset < chunk.length; offset += hashSliceBytes) {
      const slice = chunk.subarray(offset, offset + hashSliceBytes)
      digest.update(slice)
      sinceYield += slice.length
      if (sinceYield >= hashSliceBytes) {
        sinceYield = 0
        await new Promise((resolve) => setImmediate(resolve))
        signal?.throwIfAborted()
      }
    }
  }
  return digest
}
