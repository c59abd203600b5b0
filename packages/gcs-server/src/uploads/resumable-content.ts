import { type Checksums, RunningChecksums } from "../checksums.js"
import type { Content } from "../content.js"

/** A session keeps a multiple of this many bytes of an unfinished transfer. */
const quantum = 256 * 1024

/** The bytes of an upload in progress: whole quanta are kept, later bytes are held until their request ends well. */
export class ResumableContent {
  readonly #kept: Buffer[] = []
  #keptBytes = 0
  #partial: Buffer[] = []
  #partialBytes = 0
  readonly #checksums = new RunningChecksums()

  /** Bytes that a client need not send again. */
  get keptBytes(): number {
    return this.#keptBytes
  }

  append(chunk: Buffer): void {
    const total = this.#partialBytes + chunk.length
    const whole = total - (total % quantum)
    if (whole === 0) {
      this.#partial.push(chunk)
      this.#partialBytes = total
      return
    }
    const used = whole - this.#partialBytes
    this.keepAll()
    this.#keep(chunk.subarray(0, used))
    if (used === chunk.length) return
    this.#partial.push(chunk.subarray(used))
    this.#partialBytes = chunk.length - used
  }

  /** The object ends here: its last bytes need not fill a quantum. */
  keepAll(): void {
    for (const chunk of this.#partial) this.#keep(chunk)
    this.dropPartial()
  }

  /** The transfer was cut, or the chunk was not a multiple of the quantum. */
  dropPartial(): void {
    this.#partial = []
    this.#partialBytes = 0
  }

  content(): Content {
    return { chunks: this.#kept, size: this.#keptBytes }
  }

  checksums(): Checksums {
    return this.#checksums.current()
  }

  #keep(chunk: Buffer): void {
    this.#kept.push(chunk)
    this.#keptBytes += chunk.length
    this.#checksums.update(chunk)
  }
}
