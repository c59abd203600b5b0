import type { ObjectBackend } from "@ckpt/core"

/** Backends that a scenario, or a case, has open at once. A storage may have few places for them. */
export const mostOpen = 32

/** One empty storage that nobody else uses. */
export interface TestStorage {
  /** Opens a backend over this storage. Up to 32 are open at once, as in several processes. */
  open(): ObjectBackend | Promise<ObjectBackend>
  /** A backend for what other programs write and remove. They know nothing of claims. Default: as `open`. */
  outside?(): ObjectBackend | Promise<ObjectBackend>
  /** Removes the storage. Called once, at the end. */
  dispose?(): void | Promise<void>
}

/** Makes a fresh storage for each case or scenario. */
export type StorageFactory = () => TestStorage | Promise<TestStorage>
