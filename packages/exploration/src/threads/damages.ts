import type { SimulatedStorage, StoredObject } from "../storage/storage.js"

interface DamagedObject {
  readonly original: StoredObject
  readonly garbled: StoredObject
  /** In changes of the storage. */
  readonly since: number
}

/** Objects that the storage has damaged. */
export class Damages {
  readonly #storage: SimulatedStorage
  readonly #damaged = new Map<string, DamagedObject>()
  readonly #ever = new Set<string>()

  constructor(storage: SimulatedStorage) {
    this.#storage = storage
  }

  /** Cuts off the end of an object. */
  damage(key: string): void {
    const original = this.#storage.get(key)
    if (original === undefined || this.#damaged.has(key)) return
    this.#ever.add(key)
    const bytes = original.bytes.subarray(0, original.bytes.length - 1)
    this.#storage.put(key, bytes, undefined)
    const garbled = this.#storage.get(key) as StoredObject
    this.#damaged.set(key, { original, garbled, since: this.#storage.changes })
  }

  /** The objects that are still damaged are as they were. */
  heal(): void {
    for (const [key, { original }] of [...this.#damaged]) this.#storage.put(key, original.bytes, undefined)
  }

  /** The object was replaced or removed. */
  changed(key: string, object: StoredObject | undefined): void {
    if (object !== this.#damaged.get(key)?.garbled) this.#damaged.delete(key)
  }

  has(key: string): boolean {
    return this.#damaged.has(key)
  }

  hasEver(key: string): boolean {
    return this.#ever.has(key)
  }

  /** When the object was damaged, in changes of the storage. */
  since(key: string): number {
    return this.#damaged.get(key)?.since ?? Number.POSITIVE_INFINITY
  }

  /** Something was damaged once. */
  get any(): boolean {
    return this.#ever.size > 0
  }
}
