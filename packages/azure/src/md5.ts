import { createHash } from "node:crypto"
import type { RunningChecksum } from "@ckpt/core/adapter"

export function md5Of(bytes: Uint8Array): Uint8Array {
  return createHash("md5").update(bytes).digest()
}

/**
 * The MD5 of an upload's parts, which may be sent in another order than theirs; none of an upload of more than `most` parts,
 * which nobody reads in one piece: to hash it all a second time takes as long as the first.
 */
export class OrderedMd5 {
  readonly #most: number
  readonly #hash = createHash("md5")
  readonly #waiting = new Map<number, Uint8Array>()
  #next = 0
  #isTooLong = false

  constructor(most: number) {
    this.#most = most
  }

  /** Part `index` again, for a retry, changes nothing. */
  add(index: number, bytes: Uint8Array): void {
    if (index >= this.#most) this.#isTooLong = true
    if (index < this.#next || this.#isTooLong) return
    // Its memory may be used again before its turn comes.
    this.#waiting.set(index, index === this.#next ? bytes : new Uint8Array(bytes))
    for (;;) {
      const part = this.#waiting.get(this.#next)
      if (part === undefined) return
      this.#hash.update(part)
      this.#waiting.delete(this.#next++)
    }
  }

  /** Does not end the hash: a completion may be tried again. */
  digest(): Uint8Array | undefined {
    return this.#isTooLong ? undefined : this.#hash.copy().digest()
  }
}

/** For `verifiedBody`; base64. */
export function runningMd5(): RunningChecksum {
  const hash = createHash("md5")
  return { update: (bytes) => void hash.update(bytes), value: () => hash.copy().digest("base64") }
}
