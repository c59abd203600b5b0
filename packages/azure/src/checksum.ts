import { createHash, type Hash } from "node:crypto"
import type { RunningChecksum } from "@ckpt/core/adapter"

export function md5Of(bytes: Uint8Array): Uint8Array {
  return createHash("md5").update(bytes).digest()
}

/**
 * The MD5 of each part of an upload, and of the whole if it has at most two parts. Longer blobs are never read in one
 * body, so nobody would use an MD5 of the whole.
 */
export class UploadMd5 {
  #first: Hash | undefined
  #whole: Uint8Array | undefined

  /**
   * The MD5 of one part, which may come again for a retry. The first part is hashed once, for its own MD5 and for the
   * whole's.
   */
  part(index: number, bytes: Uint8Array, last: boolean): Uint8Array {
    if (index > 0) {
      if (index === 1 && last) this.#whole = this.#first?.copy().update(bytes).digest()
      return md5Of(bytes)
    }
    this.#first = createHash("md5").update(bytes)
    const md5 = this.#first.copy().digest()
    if (last) this.#whole = md5
    return md5
  }

  get whole(): Uint8Array | undefined {
    return this.#whole
  }
}

/** The MD5 for `verifiedBody`; its value is base64. */
export function runningMd5(): RunningChecksum {
  const hash = createHash("md5")
  return { update: (bytes) => void hash.update(bytes), value: () => hash.copy().digest("base64") }
}
