import { BackendError } from "../errors.js"

/** A running checksum, of whatever kind the storage keeps. */
export interface RunningChecksum {
  /** Takes the next bytes. */
  update(bytes: Uint8Array): void
  /** The checksum of all bytes so far, in the form in which the storage tells it. */
  value(): string
}

/**
 * The body of a whole object, whose last chunk is handed over only when all bytes have the checksum that the storage has
 * for them; otherwise it rejects with `transient`, and core asks again.
 */
export function verifiedBody(
  key: string,
  body: AsyncIterable<Uint8Array>,
  checksum: RunningChecksum,
  expected: string,
): AsyncIterable<Uint8Array> {
  const source = body[Symbol.asyncIterator]()
  async function* read(): AsyncGenerator<Uint8Array, void, void> {
    let held: Uint8Array | undefined
    for (let step = await source.next(); !step.done; step = await source.next()) {
      // As the last chunk it would be withheld in place of the bytes before it.
      if (step.value.length === 0) continue
      checksum.update(step.value)
      if (held !== undefined) yield held
      held = step.value
    }
    if (checksum.value() !== expected) {
      const message = `the bytes of ${key} do not have the checksum that they were stored with`
      throw new BackendError("transient", message, { checksumMismatch: true })
    }
    if (held !== undefined) yield held
  }
  const chunks = read()
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => chunks.next(),
      async return() {
        // A generator that was never started would not pass it on.
        await source.return?.()
        return chunks.return()
      },
    }),
  }
}
