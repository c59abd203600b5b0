import type { OpenFile } from "./file-api.js"
import { WriteBehind } from "./write-behind.js"

const blockBytes = 512 << 10

/**
 * Writes the chunks of a producer that may use their memory again, while it makes more. The chunks are copied into blocks,
 * and a block is used again once it is written.
 */
export class CopiedChunks {
  readonly #writer: WriteBehind
  readonly #free: Uint8Array[] = []
  #block: Uint8Array | undefined
  #used = 0

  constructor(file: OpenFile, onFailure: (error: unknown) => void) {
    this.#writer = new WriteBehind(file, { onFailure, onWritten: (block) => this.#free.push(block) })
  }

  /** Once this has resolved, the chunk is not read again. */
  async add(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.byteLength > 0; ) {
      this.#block ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(blockBytes)
      const part = rest.subarray(0, blockBytes - this.#used)
      this.#block.set(part, this.#used)
      this.#used += part.byteLength
      rest = rest.subarray(part.byteLength)
      if (this.#used < blockBytes) return
      const full = this.#block
      this.#block = undefined
      this.#used = 0
      await this.#writer.add(full)
    }
  }

  async finish(): Promise<void> {
    try {
      if (this.#block !== undefined) await this.#writer.add(this.#block.subarray(0, this.#used))
    } finally {
      await this.#writer.finish()
    }
  }

  settle(): Promise<void> {
    return this.#writer.settle()
  }
}
