import { BackendError } from "../errors.js"
import { withoutMark } from "../format/manifest/claim-mark.js"
import { decodeManifest } from "../format/manifest/decode.js"
import { encodeManifest } from "../format/manifest/encode.js"
import { type CheckpointManifest, MAX_MANIFEST_BYTES } from "../format/manifest/model.js"
import { bytesBody } from "../storage/storage.js"
import type { CommitContext } from "./job.js"
import { conflict, unknownOutcome } from "./outcome.js"

export async function createManifestObject(
  context: CommitContext,
  manifest: CheckpointManifest,
  signal: AbortSignal | undefined,
): Promise<"created" | "existed"> {
  const { storage, layout } = context
  const id = manifest.checkpointId
  const bytes = encodeManifest(manifest)
  const lostAnswers = storage.lostAnswers(layout.manifestKey(id))
  for (let attempt = 1; ; attempt++) {
    let failure: BackendError
    try {
      await storage.put(layout.manifestKey(id), bytesBody(bytes), { when: "absent", signal })
      return "created"
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      failure = error
    }
    if (failure.kind !== "precondition" && failure.kind !== "ambiguous") {
      // An earlier attempt of ours may still land.
      throw attempt > 1 ? unknownOutcome(context, id, failure) : failure
    }
    if (failure.unsettleable) throw unknownOutcome(context, id, failure)
    // After a lost answer what refuses us may be our own manifest, updated since.
    const unclear = attempt > 1 && failure.kind === "precondition"
    const cause = unclear ? new BackendError("ambiguous", failure.message, { cause: failure }) : failure
    const settled = await settleManifest(context, manifest, bytes, signal, cause)
    // What reads back as ours after a lost answer was created by us, as far as anyone can tell.
    if (settled !== "absent") return attempt > 1 ? "created" : settled
    if (failure.kind === "precondition") throw conflict(context, id, "it was there and was removed meanwhile")
    // A late request of ours may still land. Above every other id that does no harm; below one, it could come up after
    // retention decided without it.
    if (!(await lostAnswers.tryAgain(failure, signal)) || (await higherIdExists(context, id, signal)))
      throw unknownOutcome(context, id, failure)
  }
}

async function higherIdExists(context: CommitContext, id: number, signal: AbortSignal | undefined): Promise<boolean> {
  const survey = await context.surveyor.manifests(signal).catch((error: unknown) => {
    throw error instanceof BackendError ? unknownOutcome(context, id, error) : error
  })
  for (const other of survey.manifests.keys()) if (other > id) return true
  return false
}

/** What a failed create left: our bytes, nothing, or (rejecting) another's. */
export async function settleManifest(
  context: CommitContext,
  manifest: CheckpointManifest,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
  cause: BackendError,
): Promise<"created" | "existed" | "absent"> {
  const id = manifest.checkpointId
  const key = context.layout.manifestKey(id)
  let stored: Awaited<ReturnType<typeof context.storage.readBytes>>
  try {
    stored = await context.storage.readBytes(key, MAX_MANIFEST_BYTES, signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof BackendError && error.kind === "damaged")
      throw conflict(context, id, `its manifest cannot be read (${error.message})`)
    throw unknownOutcome(context, id, cause)
  }
  if (stored === undefined) return "absent"
  if (stored.bytes !== undefined) {
    const isOurs = (one: Uint8Array) => Buffer.from(bytes).equals(one)
    const ours = cause.kind === "ambiguous" ? "created" : "existed"
    if (isOurs(stored.bytes)) return ours
    const there = decodeManifest(stored.bytes)
    const unmarked = withoutMark(there)
    if (unmarked !== undefined && isOurs(unmarked)) return ours
    // Ours may have landed and been updated since by another writer: then this is no conflict.
    if (cause.kind === "ambiguous" && there.manifest?.updateToken !== undefined)
      throw unknownOutcome(context, id, cause)
  }
  throw conflict(context, id, "a manifest with other content is there")
}
