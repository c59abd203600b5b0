import { byUtf8 } from "@ckpt/core/adapter"

/** A checkpoint that names pieces, as this saver has stored or read it. */
export interface Namer {
  /** The key of its object. */
  readonly key: string
  readonly version: string
  readonly checkpointId: string
}

const mostKnown = 20_000

/**
 * For each of the pieces that were used last, a checkpoint that names it. A checkpoint is stored after its pieces, and is removed before
 * them: while it is there, they are. So one request tells of all pieces of a checkpoint.
 */
export class KnownPieces {
  readonly #namers = new Map<string, Namer>()

  namerOf(key: string): Namer | undefined {
    return this.#namers.get(key)
  }

  /** Of several checkpoints that name a piece the latest counts: it stays longest, and names most of what the next one needs. */
  add(keys: Iterable<string>, namer: Namer): void {
    for (const key of keys) {
      const before = this.#namers.get(key)
      const isLater = before === undefined || byUtf8(before.checkpointId, namer.checkpointId) <= 0
      this.#namers.delete(key)
      this.#namers.set(key, isLater ? namer : before)
      if (this.#namers.size > mostKnown) this.#namers.delete(this.#namers.keys().next().value as string)
    }
  }

  delete(key: string): void {
    this.#namers.delete(key)
  }
}
