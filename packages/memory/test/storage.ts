import type { TestStorage } from "@ckpt/conformance"
import { MemoryBackend } from "../src/index.js"

/** One backend for all stores of a test, as several processes share one bucket. */
export function memoryStorage(): TestStorage {
  const backend = new MemoryBackend()
  return { open: () => backend }
}
