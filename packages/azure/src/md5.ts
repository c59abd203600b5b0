import { createHash } from "node:crypto"
import { BackendError } from "@ckpt/core"

export function md5Of(bytes: Uint8Array): Uint8Array {
  return createHash("md5").update(bytes).digest()
}

/** The MD5 of an upload's parts, which may be sent in another order than theirs. */
export class OrderedMd5 {
  readonly #hash = createHash("md5")
  readonly #waiting = new Map<number, Uint8Array>()
  #next = 0

  /** Part `index` again, for a retry, changes nothing. */
  add(index: number, bytes: Uint8Array): void {
    if (index < this.#next) return
    this.#waiting.set(index, bytes)
    for (;;) {
      const part = this.#waiting.get(this.#next)
      if (part === undefined) return
      this.#hash.update(part)
      this.#waiting.delete(this.#next++)
    }
  }

  /** Does not end the hash: a completion may be tried again. */
  digest(): Uint8Array {
    return this.#hash.copy().digest()
  }
}

/** The body, which rejects at its end if its MD5 is another one than the service told. */
export function verified(
  body: AsyncIterable<Uint8Array>,
  expected: Uint8Array,
  key: string,
): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const source = body[Symbol.asyncIterator]()
      const hash = createHash("md5")
      let ended = false
      return {
        async next() {
          const step = await source.next()
          if (!step.done) hash.update(step.value)
          else if (!ended) {
            ended = true
            if (!hash.digest().equals(expected)) {
              throw new BackendError("transient", `the bytes of ${key} do not have the MD5 that the service told`)
            }
          }
          return step
        },
        async return() {
          await source.return?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
}
