import { mapConcurrently, together } from "../async/concurrency.js"
import type { Emit } from "../events.js"
import { type Layout, maxPrefixBytes } from "../format/layout.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Place } from "../storage/place.js"

/** The objects that a listing showed, sorted by what their keys mean. */
export interface Listing {
  readonly manifests: ReadonlyMap<number, ObjectMeta>
  /** Empty if only manifests were listed and the layout lists states apart. */
  readonly states: ReadonlyMap<number, ObjectMeta>
  /** Ids whose name is taken, but by no checkpoint: by an empty directory or a stray file. */
  readonly taken: ReadonlyMap<number, ObjectMeta>
  /** Manifests whose id is beyond 2^53 - 1, so that no JavaScript number holds it. Latest first; named by key alone. */
  readonly beyond: readonly ObjectMeta[]
  /** Objects that a check of the storage's conditions left behind. */
  readonly probes: readonly ObjectMeta[]
  /** The key of a checkpoint in the other layout, if the listing showed such a key. */
  readonly elsewhere: string | undefined
}

// Foreign keys that are remembered, at most: a bucket full of foreign objects must not fill our memory.
const maxForeignKeys = 1_000

/**
 * A key of a store that is somewhere else: in the other layout; or of a node of a cluster (`node`: its prefix); or one level up (`folder`:
 * the folder of that store that was taken for its place).
 */
export interface Elsewhere {
  readonly key: string
  readonly node?: string
  readonly folder?: string
}

/** Lists objects and sorts them. A key that is not ours is an event once, and is otherwise left alone. */
export class Lister {
  readonly #place: Place
  readonly #other: Layout
  readonly #emit: Emit
  readonly #foreign = new Set<string>()

  /** @param other the layout that this store does not use, to notice checkpoints that were saved in it */
  constructor(place: Place, other: Layout, emit: Emit) {
    this.#place = place
    this.#other = other
    this.#emit = emit
  }

  async manifests(signal?: AbortSignal): Promise<Listing> {
    return this.#sort(await this.#list(this.#place.layout.manifestPrefix, signal))
  }

  /** States; manifests too, if one prefix holds both. */
  async states(signal?: AbortSignal): Promise<Listing> {
    return this.#sort(await this.#list(this.#place.layout.statePrefix, signal))
  }

  /**
   * A checkpoint that this store never lists: in the other layout, in the store of a node of a cluster, or in a store whose own folder
   * this place is. `undefined` if there is none.
   */
  async elsewhere(signal?: AbortSignal): Promise<Elsewhere | undefined> {
    const { layout } = this.#place
    const { manifestPrefix, statePrefix, nodePrefix, withinPrefix } = layout
    const prefix = this.#other.manifestPrefix
    const isSeen = prefix === manifestPrefix || prefix === statePrefix
    const nodeOf = ({ key }: Pick<ObjectMeta, "key">) =>
      /^[^/]+\/(?=(?:checkpoints|manifests)\/)/.exec(key.slice(nodePrefix.length))?.[0]
    const [other, ofNode, inner] = await together([
      isSeen ? [] : this.#list(prefix, signal),
      this.#place.storage.find(nodePrefix, (meta) => nodeOf(meta) !== undefined, signal),
      this.#place.storage.find(withinPrefix, ({ key }) => isWithin(layout, key), signal),
    ])
    const key = this.#sort(other).elsewhere
    if (key !== undefined) return { key }
    if (ofNode !== undefined) return { key: ofNode.key, node: `${nodePrefix}${nodeOf(ofNode)}` }
    return inner && { key: inner.key, folder: manifestPrefix.slice(layout.prefix.length) }
  }

  /**
   * A key that would be ours if the prefix were written in another normal form of Unicode, and that form. Storages compare
   * bytes, so "é" as one code point and "é" as two are two prefixes. Most prefixes have one form, and cost no request.
   */
  async inOtherForm(signal?: AbortSignal): Promise<{ key: string; prefix: string } | undefined> {
    const { layout } = this.#place
    const { prefix, manifestPrefix } = layout
    for (const form of new Set([prefix.normalize("NFC"), prefix.normalize("NFD")])) {
      if (form === prefix || Buffer.byteLength(form) > maxPrefixBytes) continue
      const listed = await this.#list(`${form}${manifestPrefix.slice(prefix.length)}`, signal)
      const ours = ({ key }: ObjectMeta) => layout.meaning(`${prefix}${key.slice(form.length)}`).kind === "manifest"
      const found = listed.find(ours)
      if (found !== undefined) return { key: found.key, prefix: form }
    }
    return undefined
  }

  /** Manifests and states, listed at the same time. */
  async everything(signal?: AbortSignal): Promise<Listing> {
    const { manifestPrefix, statePrefix } = this.#place.layout
    const prefixes = manifestPrefix === statePrefix ? [manifestPrefix] : [manifestPrefix, statePrefix]
    const pages = await mapConcurrently(prefixes, (prefix) => this.#list(prefix, signal))
    return this.#sort(pages.flat())
  }

  async #list(prefix: string, signal: AbortSignal | undefined): Promise<ObjectMeta[]> {
    // The folder of the prefix itself is no name in it. A filesystem shows it if it is empty; consoles of clouds make such an object.
    return (await this.#place.storage.list(prefix, signal)).filter(({ key }) => key !== prefix)
  }

  #sort(metas: readonly ObjectMeta[]): Listing {
    const manifests = new Map<number, ObjectMeta>()
    const states = new Map<number, ObjectMeta>()
    const taken = new Map<number, ObjectMeta>()
    const beyond: ObjectMeta[] = []
    const probes: ObjectMeta[] = []
    let elsewhere: string | undefined
    for (const meta of metas) {
      const meaning = this.#place.layout.meaning(meta.key)
      if (meaning.kind === "note") continue
      if (meaning.kind === "foreign") {
        this.#sayOnce(meta.key)
        const { kind } = this.#other.meaning(meta.key)
        if (kind === "manifest" || kind === "state") elsewhere ??= meta.key
      } else if (meaning.kind === "probe") probes.push(meta)
      else if (meaning.id !== undefined)
        ({ manifest: manifests, state: states, taken })[meaning.kind].set(meaning.id, meta)
      else if (meaning.kind === "manifest") beyond.push(meta)
    }
    // Of two numbers without leading zeros, the longer number is the higher.
    beyond.sort((a, b) => b.key.length - a.key.length || (a.key < b.key ? 1 : -1))
    return { manifests, states, taken, beyond, probes, elsewhere }
  }

  #sayOnce(key: string): void {
    if (this.#foreign.has(key) || this.#foreign.size >= maxForeignKeys) return
    this.#foreign.add(key)
    this.#emit({ type: "foreign-key", key })
  }
}

/** Whether the key is of a manifest of a store whose folder of manifests was taken for the place of the store. */
export function isWithin({ prefix, manifestPrefix, meaning }: Layout, key: string): boolean {
  return key.startsWith(prefix) && meaning(`${manifestPrefix}${key.slice(prefix.length)}`).kind === "manifest"
}

/** A listing with one manifest more. */
export function withManifest(listing: Listing, id: number, meta: ObjectMeta): Listing {
  return { ...listing, manifests: new Map([...listing.manifests, [id, meta]]) }
}
