import { createHash, type Hash } from "node:crypto"

/** Updates below this size cost measurably more per byte; larger ones hold up the event loop. */
const hashSliceBytes = 1024 * 1024

/** The checksum of some bytes, as lower-case hexadecimal. For little at once: it does not yield to the event loop. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}

/** True for a SHA-256 in the form in which it is stored. */
export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

/** A running SHA-256 that knows how many bytes it has seen. */
export class Digest {
  #hash: Hash = createHash("sha256")
  #size = 0

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.#size += bytes.length
  }

  get size(): number {
    return this.#size
  }

  /** The checksum of all bytes so far, as lower-case hexadecimal; more may follow. */
  hex(): string {
    return this.#hash.copy().digest("hex")
  }
}

/** The checksum of a chain of chunks, as if they were one; the event loop runs on in between. */
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
