import type { Emit } from "../events.js"
import type { Layout } from "../format/layout.js"
import type { Claim, Pin } from "../format/pointer.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Place } from "../storage/place.js"

/** What a listing showed, by id. */
export interface Listing {
  readonly manifests: ReadonlyMap<number, ObjectMeta>
  /** Empty if only manifests were asked for and the layout keeps them apart. */
  readonly states: ReadonlyMap<number, ObjectMeta>
  /** Ids whose name is taken by something else: an empty directory, a stray file. */
  readonly taken: ReadonlyMap<number, ObjectMeta>
  /** Manifests whose id no JavaScript number holds, latest first; they can only be named by key. */
  readonly beyond: readonly ObjectMeta[]
  /** As their own objects tell them; empty if only states were listed. */
  readonly pins: readonly Pin[]
  /** Ascending by epoch, as their own objects tell them; empty if only states were listed. */
  readonly claims: readonly Claim[]
  /** Remains of the check that the storage honours conditions. */
  readonly probes: readonly ObjectMeta[]
  /** The key of a checkpoint that another layout of the same place would find, if the listing showed one. */
  readonly elsewhere: string | undefined
}

// Enough to say each once in any real store; a bucket full of strangers must not grow our memory.
const maxForeignKeys = 1_000

/** Lists and sorts out what is there; names that are not ours are said once and otherwise left alone. */
export class Lister {
  readonly #place: Place
  readonly #other: Layout
  readonly #emit: Emit
  readonly #foreign = new Set<string>()

  /** @param other the layout that the place would have if it had not its own */
  constructor(place: Place, other: Layout, emit: Emit) {
    this.#place = place
    this.#other = other
    this.#emit = emit
  }

  async manifests(signal?: AbortSignal): Promise<Listing> {
    return this.#sort(await this.#list(this.#place.layout.manifestPrefix, signal))
  }

  /** States as they are listed, which also shows the manifests where one prefix holds both. */
  async states(signal?: AbortSignal): Promise<Listing> {
    return this.#sort(await this.#list(this.#place.layout.statePrefix, signal))
  }

  async pins(signal?: AbortSignal): Promise<Listing> {
    return this.#sort(await this.#list(this.#place.layout.pinPrefix, signal))
  }

  async claims(signal?: AbortSignal): Promise<readonly Claim[]> {
    return this.#sort(await this.#list(this.#place.layout.claimPrefix, signal)).claims
  }

  /** A key that the other layout would find where this one never looks; `undefined` if there is none. */
  async elsewhere(signal?: AbortSignal): Promise<string | undefined> {
    const prefix = this.#other.manifestPrefix
    if (prefix === this.#place.layout.manifestPrefix || prefix === this.#place.layout.statePrefix) return undefined
    return this.#sort(await this.#list(prefix, signal)).elsewhere
  }

  /** Manifests and states, listed at the same time. */
  async everything(signal?: AbortSignal): Promise<Listing> {
    const { manifestPrefix, statePrefix } = this.#place.layout
    const prefixes = manifestPrefix === statePrefix ? [manifestPrefix] : [manifestPrefix, statePrefix]
    const pages = await Promise.all(prefixes.map((prefix) => this.#list(prefix, signal)))
    return this.#sort(pages.flat())
  }

  #list(prefix: string, signal: AbortSignal | undefined): Promise<ObjectMeta[]> {
    return this.#place.storage.list(prefix, signal)
  }

  #sort(metas: readonly ObjectMeta[]): Listing {
    const manifests = new Map<number, ObjectMeta>()
    const states = new Map<number, ObjectMeta>()
    const taken = new Map<number, ObjectMeta>()
    const beyond: ObjectMeta[] = []
    const probes: ObjectMeta[] = []
    const pins: Pin[] = []
    const claims: Claim[] = []
    let elsewhere: string | undefined
    for (const meta of metas) {
      const meaning = this.#place.layout.meaning(meta.key)
      if (meaning.kind === "pointer") continue
      if (meaning.kind === "foreign") {
        this.#sayOnce(meta.key)
        const { kind } = this.#other.meaning(meta.key)
        if (kind === "manifest" || kind === "state") elsewhere ??= meta.key
      } else if (meaning.kind === "probe") probes.push(meta)
      else if (meaning.kind === "claim") claims.push({ epoch: meaning.epoch, from: meaning.from })
      else if (meaning.kind === "pin") pins.push({ name: meaning.name, id: meaning.id })
      else if (meaning.id !== undefined)
        ({ manifest: manifests, state: states, taken })[meaning.kind].set(meaning.id, meta)
      else if (meaning.kind === "manifest") beyond.push(meta)
    }
    // Of two canonical numbers the longer one is the higher.
    beyond.sort((a, b) => b.key.length - a.key.length || (a.key < b.key ? 1 : -1))
    claims.sort((a, b) => a.epoch - b.epoch)
    return { manifests, states, taken, beyond, pins, claims, probes, elsewhere }
  }

  #sayOnce(key: string): void {
    if (this.#foreign.has(key) || this.#foreign.size >= maxForeignKeys) return
    this.#foreign.add(key)
    this.#emit({ type: "foreign-key", key })
  }
}
