import { CheckpointError } from "../errors.js"
import { newToken } from "../format/ids.js"
import { createOnce } from "./create-once.js"
import type { Place } from "./place.js"
import { bytesBody, type PutBody, type Storage } from "./storage.js"

const content = new TextEncoder().encode("a check that conditions are honoured; safe to delete\n")

const streamed: PutBody = {
  size: undefined,
  reopenable: () => true,
  async *open() {
    yield content
  },
}

/** The storage is asked once whether it honours conditions. A question that failed is asked again by the next write. */
export class Probe {
  readonly #place: Place
  #asked: Promise<void> | undefined

  constructor(place: Place) {
    this.#place = place
  }

  /** Saves at once share one question, so none of them may end it: an abort ends the wait alone. */
  async once(signal: AbortSignal | undefined): Promise<void> {
    this.#asked ??= probeConditions(this.#place)
    try {
      await this.#asked
    } catch (error) {
      this.#asked = undefined
      throw error
    }
    signal?.throwIfAborted()
  }
}

/**
 * Asks the storage, before anything is written to it, whether it honours "create only if absent": a storage that
 * ignores the condition (some S3-compatible ones do) would let one writer overwrite another's checkpoint. Tried with one
 * request and with an upload in parts, however short, since there are storages that honour it only in the first (Ceph before
 * 18). A backend without `parts` gets a stream instead, for which it may have another way too.
 *
 * @throws {CheckpointError} `CKPT_UNSUPPORTED` if it does not
 */
async function probeConditions({ storage, layout }: Place): Promise<void> {
  const key = layout.probeKey(newToken().slice(0, 16))
  try {
    // Refused already: an earlier attempt whose answer was lost had created it, since nobody else knows this key.
    await create(storage, key, false)
    for (const inParts of [false, true]) {
      const refused = async () => (await create(storage, key, inParts)) === "refused"
      // Once more: a collection may have removed the first one meanwhile.
      if ((await refused()) || (await refused())) continue
      const message =
        `storage ${storage.backend.name} overwrote ${key} ${inParts ? "at the end of an upload in parts " : ""}` +
        "although it was asked to create it only if absent. " +
        "Nothing was saved: checkpoints would overwrite each other. Use a storage, or a version of it, with conditional writes."
      throw new CheckpointError("CKPT_UNSUPPORTED", message, { key, backend: storage.backend.name })
    }
  } finally {
    // What cannot be removed now is found by collectOrphans.
    await storage.delete([key]).catch(() => {})
  }
}

async function create(storage: Storage, key: string, inParts: boolean): Promise<"created" | "refused"> {
  const created = await createOnce(storage, key, inParts ? streamed : bytesBody(content), { inParts })
  if (created.outcome === "unknown") throw created.cause
  return created.outcome === "created" ? "created" : "refused"
}
