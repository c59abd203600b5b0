import { BackendError, CheckpointError } from "./errors.js"
import type { Layout } from "./layout.js"
import { newToken } from "./pointer.js"
import { bytesBody, type PutBody, type Storage } from "./storage.js"

/**
 * Asks the storage, before anything is written to it, whether it honours "create only if absent": a storage that
 * ignores the condition (some S3-compatible ones do) would let one writer overwrite another's checkpoint. Tried with a
 * body of known size and with a streamed one, as adapters send them by different requests.
 *
 * @throws {CheckpointError} `CKPT_UNSUPPORTED` if it does not
 */
export async function probeConditions(
  storage: Storage,
  layout: Layout,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = layout.probeKey(newToken().slice(0, 16))
  const bytes = new TextEncoder().encode("a check that conditions are honoured; safe to delete\n")
  const streamed: PutBody = {
    size: undefined,
    reopenable: () => true,
    async *open() {
      yield bytes
    },
  }
  try {
    await storage.put(key, bytesBody(bytes), { when: "absent", signal })
    for (const body of [bytesBody(bytes), streamed]) {
      if (await wasRefused(storage, key, body, signal)) continue
      const message =
        `storage ${storage.backend.name} overwrote ${key} although it was asked to create it only if absent. ` +
        "Nothing was saved: checkpoints would overwrite each other. Use a storage, or a version of it, with conditional writes."
      throw new CheckpointError("CKPT_UNSUPPORTED", message, { key, backend: storage.backend.name })
    }
  } finally {
    // What cannot be removed now is found by collectOrphans.
    await storage.delete([key]).catch(() => {})
  }
}

async function wasRefused(
  storage: Storage,
  key: string,
  body: PutBody,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await storage.put(key, body, { when: "absent", signal })
    return false
  } catch (error) {
    if (error instanceof BackendError && error.kind === "precondition") return true
    throw error
  }
}
