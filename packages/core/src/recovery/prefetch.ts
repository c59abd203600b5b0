import type { FoundManifest } from "../verify/read-manifest.js"
import type { Verifier } from "../verify/verifier.js"

/** Manifests that are read ahead at the same time, at most. */
const manifestsAhead = 4

/**
 * Reads manifests before their turn, so that a row of damaged checkpoints is passed several at a time. A manifest that
 * was read ahead may be old when its turn comes: it may rule its checkpoint out, and never in.
 */
export class Prefetch {
  readonly #verifier: Verifier
  readonly #ids: readonly number[]
  readonly #signal: AbortSignal
  readonly #reading = new Map<number, Promise<FoundManifest | undefined>>()

  constructor(verifier: Verifier, ids: readonly number[], signal: AbortSignal) {
    this.#verifier = verifier
    this.#ids = ids
    this.#signal = signal
  }

  /** Starts to read the manifests that follow this place among the ids. */
  readBehind(place: number): void {
    for (const id of this.#ids.slice(place + 1, place + 1 + manifestsAhead)) {
      if (this.#reading.has(id)) continue
      const manifest = this.#verifier.manifest(id, this.#signal)
      manifest.catch(() => {})
      this.#reading.set(id, manifest)
    }
  }

  /** The manifest that was read ahead. `undefined`: it was not read ahead, it is gone, or it could not be read. */
  async take(id: number): Promise<FoundManifest | undefined> {
    const manifest = await this.#reading.get(id)?.catch(() => undefined)
    this.#reading.set(id, Promise.resolve(undefined))
    return manifest
  }
}
