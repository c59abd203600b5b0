import { type FoundManifest, writerEpochOf } from "../verify/read-manifest.js"
import type { Verifier } from "../verify/verifier.js"

/** Manifests that are read ahead at the same time, at most. */
const manifestsAhead = 4

/** What is kept of a manifest that was read ahead. Not the manifest, which may be large: it is read again if it is believed. */
interface Ahead {
  /** `undefined` if the manifest cannot be read. */
  readonly writerEpoch: number | undefined
  /** The manifest, if it cannot be read. */
  readonly damaged: FoundManifest | undefined
}

/**
 * Reads manifests before their turn, so that a row of damaged checkpoints is passed several at a time. A manifest that
 * was read ahead may be old when its turn comes: it may rule its checkpoint out, and never in.
 */
export class Prefetch {
  readonly #verifier: Verifier
  readonly #ids: readonly number[]
  readonly #signal: AbortSignal
  readonly #reading = new Map<number, Promise<Ahead | undefined>>()

  constructor(verifier: Verifier, ids: readonly number[], signal: AbortSignal) {
    this.#verifier = verifier
    this.#ids = ids
    this.#signal = signal
  }

  /** Starts to read the manifests that follow this place among the ids. */
  readBehind(place: number): void {
    for (const id of this.#ids.slice(place + 1, place + 1 + manifestsAhead)) {
      if (this.#reading.has(id)) continue
      const manifest = this.#verifier.manifest(id, this.#signal).then(ahead)
      manifest.catch(() => {})
      this.#reading.set(id, manifest)
    }
  }

  /** The manifest that was read ahead. `undefined`: it was not read ahead, it is gone, or it could not be read. */
  async take(id: number): Promise<Ahead | undefined> {
    const manifest = await this.#reading.get(id)?.catch(() => undefined)
    this.#reading.set(id, Promise.resolve(undefined))
    return manifest
  }
}

function ahead(found: FoundManifest | undefined): Ahead | undefined {
  if (found === undefined) return undefined
  return { writerEpoch: writerEpochOf(found.manifest), damaged: found.manifest === undefined ? found : undefined }
}
