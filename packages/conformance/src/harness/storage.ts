import type { ObjectBackend } from "@ckpt/core"

/** A storage to run against: empty, of its own, gone after `dispose`. */
export interface TestStorage {
  /** A backend over this storage; several may be open at once, as several processes would have them. */
  open(): ObjectBackend | Promise<ObjectBackend>
  dispose?(): void | Promise<void>
}

/** An empty storage that nobody else uses. */
export type StorageFactory = () => TestStorage | Promise<TestStorage>
