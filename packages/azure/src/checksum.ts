import { createHash, type Hash } from "node:crypto"
import type { RunningChecksum } from "@ckpt/core/adapter"

export function md5Of(bytes: Uint8Array): Uint8Array {
  return createHash("md5").update(bytes).digest()
}

/**
 * - `"md5"`: each block of a long state is sent with its MD5, which the service compares; short ranges are read with theirs.
 * - `"none"`: they are not. TLS protects the bytes on their way, and the manifest's SHA-256 is checked when they are read.
 *
 * What goes in one request (manifests, the pointer, states up to 4 MiB) has its MD5 in any case.
 */
export type TransactionalChecksums = "md5" | "none"

/** MD5 takes more time than anything else that a save does. Without TLS nothing else would notice damage on the way at once. */
export function defaultChecksums(url: string): TransactionalChecksums {
  return url.startsWith("https:") ? "none" : "md5"
}

/**
 * The MD5 of each part of an upload, and of the whole if it has at most two parts: of a longer blob a second MD5 would take as
 * long as everything else.
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
