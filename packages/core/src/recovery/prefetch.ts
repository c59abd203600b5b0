import { type ExamineContext, type FoundManifest, readManifest } from "../verify/read-manifest.js"

/** So many are under way at most. */
const manifestsAhead = 4

/**
 * Reads manifests before their turn, so that a row of damaged ones is passed at the pace of a few at a time. What was read
 * ahead may be old when its turn comes, so it can only rule a checkpoint out.
 */
export class ManifestsAhead {
  readonly #context: ExamineContext
  readonly #ids: readonly number[]
  readonly #signal: AbortSignal
  readonly #reading = new Map<number, Promise<FoundManifest | undefined>>()

  constructor(context: ExamineContext, ids: readonly number[], signal: AbortSignal) {
    this.#context = context
    this.#ids = ids
    this.#signal = signal
  }

  /** Starts to read what comes behind this place among the ids. */
  readBehind(place: number): void {
    for (const id of this.#ids.slice(place + 1, place + 1 + manifestsAhead)) {
      if (this.#reading.has(id)) continue
      const manifest = readManifest(this.#context, id, this.#signal)
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
