import { createHash, type Hash } from "node:crypto"
import type { RunningChecksum } from "@ckpt/core/adapter"

export function md5Of(bytes: Uint8Array): Uint8Array {
  return createHash("md5").update(bytes).digest()
}

/** The MD5 of each part of an upload, and of all of it if that is two parts at most: longer ones nobody reads in one piece. */
export class UploadMd5 {
  #first: Hash | undefined
  #whole: Uint8Array | undefined

  /** A part may come again, for a retry. The first one is hashed once for both. */
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

/** For `verifiedBody`; base64. */
export function runningMd5(): RunningChecksum {
  const hash = createHash("md5")
  return { update: (bytes) => void hash.update(bytes), value: () => hash.copy().digest("base64") }
}
