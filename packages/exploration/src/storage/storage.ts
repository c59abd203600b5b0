import { BackendError, type ObjectMeta } from "@ckpt/core"
import { isProbe, manifestKey, nameOf } from "./keys.js"

export interface StoredObject {
  readonly bytes: Uint8Array
  readonly meta: ObjectMeta
}

/** Conditions that the storage does not keep, but for probes, to see whether the exploration notices. */
export interface StorageFlaws {
  /** `when: { version }` is not looked at. */
  readonly replacesAnyVersion?: boolean
  /** `when: "absent"` is not looked at. */
  readonly createOverwrites?: boolean
}

export interface StorageOptions {
  /** The version of an object is its content: as with a hash, equal bytes have equal versions. Default: a counter. */
  readonly contentVersions?: boolean
  readonly flaws?: StorageFlaws | undefined
}

/** A listing may be this many changes behind, at most: about two saves. */
export const maxBehind = 6

/** So many changes are remembered: a listing is seldom under way for longer. */
const maxRemembered = 24

/** A listing that is no picture of one moment: each object as it was at some moment since the listing began. */
export interface Mixture {
  /** {@link SimulatedStorage.changes} when the listing began. */
  readonly since: number
  /** Of so many moments, 0 is the last. */
  choose(moments: number): number
}

/**
 * A bucket in memory. Each request is one call that neither waits nor copies. It takes a fraction of the time of the
 * memory backend, which matters with hundreds of thousands of schedules. Bytes that a get returns are shared: do not write.
 */
export class SimulatedStorage {
  /** Milliseconds since 1970; goes forward only. */
  now: number
  readonly objects: Map<string, StoredObject>
  /** Called after every change. */
  onChange: ((key: string, object: StoredObject | undefined) => void) | undefined
  readonly #options: StorageOptions
  /** The last changes, oldest first: the object before each of them. None from before this storage was made. */
  readonly #before: { readonly key: string; readonly object: StoredObject | undefined }[] = []
  /** So many changes were made since this storage was. */
  changes = 0
  #versions: number

  constructor(options: StorageOptions = {}, from?: SimulatedStorage) {
    this.#options = options
    this.now = from?.now ?? 1_700_000_000_000
    this.objects = new Map(from?.objects)
    this.#versions = from?.versions ?? 0
  }

  get versions(): number {
    return this.#versions
  }

  put(key: string, bytes: Uint8Array, when: "absent" | { readonly version: string } | undefined): ObjectMeta {
    const current = this.objects.get(key)?.meta
    const { flaws, contentVersions } = this.#options
    if (when === "absent" && current !== undefined && (flaws?.createOverwrites !== true || isProbe(key))) {
      throw new BackendError("precondition", "exists")
    }
    const anyVersion = flaws?.replacesAnyVersion === true && !isProbe(key)
    if (typeof when === "object" && current?.version !== when.version && !anyVersion) {
      throw new BackendError("precondition", current === undefined ? "absent" : "another version")
    }
    // Time passes between two requests. It shows where a state is written behind its manifest: that state is younger.
    if (this.#isBehindItsManifest(key)) this.now += 1
    const version = contentVersions ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1") : ""
    const meta: ObjectMeta = {
      key,
      size: bytes.length,
      version: contentVersions ? version : `v${++this.#versions}`,
      lastModified: new Date(this.now),
    }
    const stored = { bytes, meta }
    this.#remember(key)
    this.objects.set(key, stored)
    this.onChange?.(key, stored)
    return meta
  }

  get(key: string, ifVersion?: string): StoredObject | undefined {
    const stored = this.objects.get(key)
    if (stored !== undefined && ifVersion !== undefined && stored.meta.version !== ifVersion) {
      throw new BackendError("precondition", "another version")
    }
    return stored
  }

  /**
   * At most `most` objects under the prefix whose keys come after `after`, in the order of their keys. `behind`: as they
   * were so many changes ago, but no longer ago than this storage was made.
   */
  page(prefix: string, after: string, most: number, behind = 0, mixture?: Mixture): ObjectMeta[] {
    const found: ObjectMeta[] = []
    const objects =
      mixture !== undefined ? this.#mixed(prefix, mixture) : behind === 0 ? this.objects : this.#objectsBefore(behind)
    for (const { meta } of objects.values()) {
      if (meta.key > after && meta.key.startsWith(prefix)) found.push(meta)
    }
    found.sort((a, b) => (a.key < b.key ? -1 : 1))
    return found.length > most ? found.slice(0, most) : found
  }

  delete(keys: readonly string[]): void {
    for (const key of keys) {
      if (!this.objects.has(key)) continue
      this.#remember(key)
      this.objects.delete(key)
      this.onChange?.(key, undefined)
    }
  }

  #isBehindItsManifest(key: string): boolean {
    const name = nameOf(key)
    if (name?.kind !== "state") return false
    return this.objects.has(manifestKey(name.id, "objects")) || this.objects.has(manifestKey(name.id, "directory"))
  }

  #remember(key: string): void {
    this.changes++
    this.#before.push({ key, object: this.objects.get(key) })
    if (this.#before.length > maxRemembered) this.#before.shift()
  }

  #mixed(prefix: string, { since, choose }: Mixture): ReadonlyMap<string, StoredObject> {
    const passed = this.changes - since
    if (passed === 0) return this.objects
    const before = new Map<string, (StoredObject | undefined)[]>()
    for (const { key, object } of this.#before.slice(-passed).reverse()) {
      if (key.startsWith(prefix)) before.set(key, [...(before.get(key) ?? []), object])
    }
    const objects = new Map(this.objects)
    for (const [key, earlier] of before) {
      const chosen = choose(earlier.length + 1)
      if (chosen === 0) continue
      const object = earlier[chosen - 1]
      if (object === undefined) objects.delete(key)
      else objects.set(key, object)
    }
    return objects
  }

  #objectsBefore(changes: number): ReadonlyMap<string, StoredObject> {
    const objects = new Map(this.objects)
    for (const { key, object } of this.#before.slice(-changes).reverse()) {
      if (object === undefined) objects.delete(key)
      else objects.set(key, object)
    }
    return objects
  }
}
