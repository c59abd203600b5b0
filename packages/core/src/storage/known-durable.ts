/** Enough for the state, the manifest, the history and the pointer of the last saves. */
const mostRemembered = 64

/** An object as it was found or written; `version: undefined`: the version is not known. */
export interface Stored {
  readonly key: string
  readonly version: string | undefined
}

/**
 * Objects that are durable for certain, on a storage that may show more than a crash would leave. Those that were noted last are
 * remembered. Any other is asked about: that costs a request, and nothing else.
 */
export class KnownDurable {
  readonly #versions = new Map<string, string>()

  has({ key, version }: Stored): boolean {
    return version !== undefined && this.#versions.get(key) === version
  }

  note({ key, version }: Stored): void {
    this.#versions.delete(key)
    if (version === undefined) return
    this.#versions.set(key, version)
    if (this.#versions.size > mostRemembered) this.#versions.delete(this.#versions.keys().next().value as string)
  }
}
