import type { FoundManifest } from "../verify/read-manifest.js"
import type { Verifier } from "../verify/verifier.js"

/** So many are under way at most. */
const manifestsAhead = 4

/**
 * Reads manifests before their turn, so that a row of damaged ones is passed at the pace of a few at a time. What was read
 * ahead may be old when its turn comes, so it can only rule a checkpoint out.
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

  /** Starts to read what comes behind this place among the ids. */
  readBehind(place: number): void {
    for (const id of this.#ids.slice(place + 1, place + 1 + manifestsAhead)) {
      if (this.#reading.has(id)) continue
      const manifest = this.#verifier.manifest(id, this.#signal)
      manifest.catch(() => {})
      this.#reading.set(id, manifest)
    }
  }

  /** What was read ahead; `undefined` where nothing was, or where it told nothing: then it is read in its turn. */
  async take(id: number): Promise<FoundManifest | undefined> {
    const manifest = await this.#reading.get(id)?.catch(() => undefined)
    this.#reading.set(id, Promise.resolve(undefined))
    return manifest
  }
}
