import { SharedWork } from "../async/shared-work.js"
import { BackendError, CheckpointError, withKind } from "../errors.js"
import { newToken } from "../format/ids.js"
import type { Layout } from "../format/layout.js"
import type { Condition } from "./backend.js"
import { createOnce } from "./create-once.js"
import type { OtherWriters } from "./other-writers.js"
import { bytesBody, type PutBody, type Storage } from "./storage.js"
import { swap } from "./swap.js"

/** What is asked: a storage, with a key for the question. */
interface Asked {
  readonly storage: Storage
  readonly layout: Pick<Layout, "name" | "probeKey">
}

/** How often the whole check is made: another program may remove the probe meanwhile. */
const rounds = 3

/**
 * The storage is asked once whether it honours conditions, and who else writes. A question that failed is asked again by the next
 * write.
 */
export class Probe {
  readonly #asking: SharedWork
  #isAnswered = false

  /** @param others left out where any number of processes may write */
  constructor(asked: Asked, others?: OtherWriters) {
    this.#asking = new SharedWork(async (signal) => {
      await probeConditions(asked, others, signal)
      this.#isAnswered = true
    })
  }

  async once(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isAnswered) return
    try {
      await this.#asking.done(signal)
    } catch (error) {
      // The caller asked to save: without this, the failure of a key that nobody knows would puzzle.
      if (error instanceof BackendError) {
        throw withKind(error, error.kind, `the check of the storage before the first write: ${error.message}`)
      }
      throw error
    }
  }
}

/**
 * Asks the storage, before anything is written to it, for all that the protocol rests on, with one small object:
 * - *Create only if absent*: the object that is there is not created again. Tried with one request and with an upload in parts,
 *   however short: some storages honour the condition only in the first (Ceph before 18). A backend without `parts` gets a
 *   stream instead, for which it may have another way too.
 * - *Replace this version*: the version that was read is replaced, and after that no more, neither with one request nor in parts.
 *   Some storages honour the first condition and ignore the second, and then two writers lead at once.
 * - A listing right after shows the object.
 *
 * A probe that is gone proves nothing, so a question that failed is asked again. A refusal of a wrong version would prove
 * nothing either if the probe were gone; the listing shows that the probe is there.
 *
 * @throws {CheckpointError} `CKPT_UNSUPPORTED` if the storage does not do one of them
 */
async function probeConditions(
  { storage, layout }: Asked,
  others: OtherWriters | undefined,
  signal: AbortSignal,
): Promise<void> {
  const key = layout.probeKey(newToken().slice(0, 16))
  try {
    await assertConditions(storage, key, signal).catch((error: unknown) => {
      // Where a save needs no conditions, it goes on. A write that needs what the storage lacks will be told so again.
      const saysSo = error instanceof BackendError && error.kind === "unsupported"
      if (!saysSo || layout.name !== "directory" || storage.backend.commit === undefined) throw error
    })
    // The probe is still there, so there is a place to say that this process writes, also if nothing was ever saved.
    await others?.once(signal)
  } finally {
    // What cannot be removed now is found by collectOrphans. After an abort nobody waits but `close`.
    const removed = storage.delete([key]).catch(() => {})
    if (!signal.aborted) await removed
  }
}

async function assertConditions(storage: Storage, key: string, signal: AbortSignal): Promise<void> {
  for (let round = 1; ; round++) {
    const fault = await faultOf(storage, key, signal)
    if (fault === undefined) return
    if (round < rounds) continue
    const { name } = storage.backend
    const message =
      `storage ${name} ${fault}. Nothing was saved: writers would undo each other's checkpoints. ` +
      "Use a storage, or a version of it, with conditional writes and consistent listings."
    throw new CheckpointError("CKPT_UNSUPPORTED", message, { key, backend: name })
  }
}

/** The first thing that the storage did wrong; `undefined` if it did all right. */
async function faultOf(storage: Storage, key: string, signal: AbortSignal): Promise<string | undefined> {
  // Refused: an earlier attempt whose answer was lost, or an earlier round, created it, since nobody else knows this key.
  await create(storage, key, false, signal)
  const found = await storage.readBytes(key, content().length, signal)
  if (found === undefined) return `did not show ${key} right after it was written`
  for (const inParts of [false, true]) {
    if ((await create(storage, key, inParts, signal)) === "refused") continue
    const how = inParts ? "at the end of an upload in parts " : ""
    return `overwrote ${key} ${how}although it was asked to create it only if absent`
  }
  const { version } = found.meta
  if ((await replace(storage, key, version, signal)) === "refused") {
    return `refused to replace ${key}, although it has the version ${version} that it had itself told (does a proxy change ETags?)`
  }
  const asked = "although it was asked to replace only a version that is no longer there"
  if ((await replace(storage, key, version, signal)) === "replaced") return `replaced ${key}, ${asked}`
  // A manifest of many megabytes is replaced in parts.
  if ((await create(storage, key, true, signal, { version })) === "created") {
    return `replaced ${key} at the end of an upload in parts ${asked}`
  }
  const listed = await storage.list(key, signal)
  return listed.length > 0 ? undefined : `did not list ${key} right after it was written`
}

async function create(
  storage: Storage,
  key: string,
  inParts: boolean,
  signal: AbortSignal,
  when?: Condition,
): Promise<"created" | "refused"> {
  const body = inParts ? streamed(content()) : bytesBody(content())
  const created = await createOnce(storage, key, body, { when, inParts, signal })
  if (created.outcome === "unknown") throw created.cause
  return created.outcome === "created" ? "created" : "refused"
}

async function replace(
  storage: Storage,
  key: string,
  version: string,
  signal: AbortSignal,
): Promise<"replaced" | "refused"> {
  const bytes = content()
  const swapped = await swap(storage, key, version, bytes, signal)
  if (swapped.outcome === "unknown") throw swapped.lost
  if (swapped.outcome === "done") return "replaced"
  if (swapped.lost === undefined) return "refused"
  const found = await storage.readBytes(key, bytes.length, signal)
  return Buffer.compare(found?.bytes ?? new Uint8Array(), bytes) === 0 ? "replaced" : "refused"
}

/** New bytes each time: where a version is a hash of the content, equal bytes would have equal versions. */
function content(): Uint8Array {
  return new TextEncoder().encode(`a check that conditions are honoured; safe to delete\n${newToken()}\n`)
}

function streamed(bytes: Uint8Array): PutBody {
  return {
    size: undefined,
    reopenable: () => true,
    async *open() {
      yield bytes
    },
  }
}
