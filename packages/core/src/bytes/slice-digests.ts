import { Digest } from "./sha256.js"

/** A part of a stream of bytes. */
export interface ByteSlice {
  readonly name: string
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/** The SHA-256 of slices of a stream, computed while the stream passes. */
export class SliceDigests {
  readonly #slices: readonly ByteSlice[]
  readonly #found = new Map<string, string>()
  #digest = new Digest()
  #position = 0
  #current = 0

  /** @param slices in the order of their starts; no slice overlaps another */
  constructor(slices: readonly ByteSlice[]) {
    this.#slices = slices
  }

  update(chunk: Uint8Array): void {
    const position = this.#position
    this.#position += chunk.length
    for (let slice = this.#slices[this.#current]; slice !== undefined; slice = this.#slices[this.#current]) {
      const part = chunk.subarray(Math.max(0, slice.start - position), Math.max(0, slice.end - position))
      if (part.length > 0) this.#digest.update(part)
      if (slice.end > this.#position) return
      this.#finish(slice)
    }
  }

  /** The checksums, by name, of the slices that have ended. To be called at the end of the stream. */
  results(): ReadonlyMap<string, string> {
    // Slices without bytes at the end of the stream: no chunk comes behind them.
    for (const slice of this.#slices.slice(this.#current)) if (slice.end <= this.#position) this.#finish(slice)
    return this.#found
  }

  #finish({ name }: ByteSlice): void {
    this.#found.set(name, this.#digest.hex())
    this.#digest = new Digest()
    this.#current++
  }
}
