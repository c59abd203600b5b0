/**
 * Recovery: finding the latest checkpoint that verifies. Checkpoints that do not count are ignored; damaged checkpoints
 * are passed over and reported. Invariant: a storage that cannot be reached rejects, and is never taken for a fresh
 * start.
 */

import { Follower } from "../async/abort.js"
import type { Clock } from "../async/clock.js"
import { BackendError, CheckpointError } from "../errors.js"
import { latestFirst } from "../format/ids.js"
import { directoryName } from "../format/layout.js"
import { fatal, type ValidationIssue, warning } from "../format/manifest/issues.js"
import { type History, maxRounds, restless } from "../history/history.js"
import type { Elsewhere, Listing } from "../history/listing.js"
import { missing as lost } from "../history/missing.js"
import { objectsOf } from "../history/summary.js"
import type { View } from "../history/view.js"
import { show } from "../input/show.js"
import { type Checkpoint, type CheckpointOptions, openCheckpoint } from "../state/checkpoint.js"
import { isTimeout } from "../storage/attempt.js"
import { writerEpochOf } from "../verify/read-manifest.js"
import { unreadable, type Verified } from "../verify/verified.js"
import { assertNotElsewhere } from "./elsewhere.js"
import { markSeen } from "./mark-seen.js"
import { Prefetch } from "./prefetch.js"
import type { RecoverOptions, Recovery, Skipped } from "./recovery.js"

/**
 * A visitor's verdict on a checkpoint that verifies. `"done"`: it is recovered. `"gone"`: it was pruned meanwhile.
 * Issues: it is damaged after all, and is passed over.
 */
export type Visited = "done" | "gone" | readonly ValidationIssue[]

/** Walks from the latest checkpoint to older checkpoints, up to the first that verifies. */
export function recover(history: History, clock: Clock, options: RecoverOptions): Promise<Recovery> {
  return walk(history, clock, options, async () => "done")
}

export interface WalkOptions extends RecoverOptions {
  /** Options for the readers of the visited checkpoints. */
  readers?: Pick<CheckpointOptions, "onProgress" | "signal">
}

/** The walk. `visit` has the last word on each checkpoint that verifies. */
export async function walk(
  history: History,
  clock: Clock,
  options: WalkOptions,
  visit: (checkpoint: Checkpoint) => Promise<Visited>,
): Promise<Recovery> {
  const started = clock.monotonic()
  const { emit } = history
  let elsewhere: Promise<Elsewhere | undefined> | undefined
  let inOtherForm: ReturnType<typeof history.lister.inOtherForm> | undefined
  for (let round = 1; round <= maxRounds; round++) {
    const walked = await walkOnce(history, options, visit)
    // A checkpoint was removed while it was read, so the listing is old: begin again.
    if (walked === "gone") continue
    const { view, checkpoint, skipped, examined } = walked
    // Before `fresh` or `exhausted` is said, walk once more: the first listing may be older than a save. Meanwhile look
    // for checkpoints in the other layout: `fresh` would restart the job beside its own data.
    if (checkpoint === undefined && round === 1) {
      elsewhere = history.lister.elsewhere(options.signal)
      inOtherForm = history.lister.inOtherForm(options.signal)
      for (const looking of [elsewhere, inOtherForm]) looking.catch(() => {})
      continue
    }
    for (const skip of skipped) emit({ type: "skipped", ...skip })
    // Used-up ids must not keep a job from its checkpoint. A save of the last id is CKPT_CONFLICT, and `nextId` says why.
    const nextId = Math.min(view.nextId(emit, checkpoint?.id), Number.MAX_SAFE_INTEGER)
    const facts = { skipped, examined, nextId, elapsedMs: clock.monotonic() - started }
    if (checkpoint !== undefined) {
      emit({ type: "recovered", id: checkpoint.id, skipped: skipped.length, elapsedMs: facts.elapsedMs })
      return { ...facts, outcome: "recovered", checkpoint }
    }
    const fresh = isFresh(view, examined)
    // Without the pointer nobody knows whether anything was ever saved here.
    if (fresh && view.pointer.failure !== undefined) throw view.pointer.failure
    if (fresh) await assertNotElsewhere(history, view.listing, options.signal, elsewhere)
    const form = fresh ? await inOtherForm : undefined
    if (form !== undefined) {
      const { prefix } = history.place.layout
      emit({ type: "prefix-in-other-form", prefix, found: form.prefix, key: form.key })
    }
    if (fresh) return { ...facts, outcome: "fresh" }
    const verified = skipped.some(({ issues }) => issues.includes(notAccepted))
    return { ...facts, outcome: "exhausted", reason: verified ? "none-accepted" : "none-verifies" }
  }
  throw restless(history.place)
}

/**
 * True if nothing was ever saved here that counts. On a claimed store there may be manifests of superseded writers. What
 * history and pointer tell of checkpoints is told of a store that was used.
 */
function isFresh({ listing, pointer, record, current }: View, examined: number): boolean {
  if (listing.beyond.length > 0 || notFolders(listing).size > 0 || current.lost !== undefined) return false
  if (!record.kept.isEmpty || record.top > 0) return false
  // A refused save may have moved the pointer. A checkpoint that the pointer names and that may count was examined.
  if (record.epoch > 0) return examined === 0
  return listing.manifests.size === 0 && !pointer.exists
}

interface Walked {
  readonly view: View
  readonly checkpoint?: Checkpoint
  readonly skipped: readonly Skipped[]
  /** Checkpoints that were judged. */
  readonly examined: number
}

async function walkOnce(
  history: History,
  options: WalkOptions,
  visit: (checkpoint: Checkpoint) => Promise<Visited>,
): Promise<Walked | "gone"> {
  const { verifier, place } = history
  const stop = new Follower(options.signal)
  const { depth = "deep", onProgress } = options
  const look = ({ manifests, states }: Listing, id: number) => {
    const listed = { manifest: manifests.get(id), state: states.get(id) }
    return verifier.verify(id, { depth, listed, signal: stop.signal, onProgress })
  }
  // The latest checkpoint is nearly always the one to recover, so it is read at the same time as the pointer.
  let latest: { readonly id: number; readonly found: Promise<Verified> } | undefined
  const onListed = (listing: Listing) => {
    const [id] = latestFirst(listing.manifests.keys())
    latest = id === undefined ? undefined : { id, found: look(listing, id) }
    latest?.found.catch(() => {})
  }
  try {
    options.signal?.throwIfAborted()
    const view = await history.view(options.signal, { onListed })
    const skipped: Skipped[] = view.listing.beyond.map(({ key }) => ({ key, issues: [beyondNumbers] }))
    let examined = skipped.length
    const missing = view.lacks
    const misplaced = notFolders(view.listing)
    const ids = latestFirst(
      new Set([...view.latestFirst(), ...misplaced.keys(), ...(missing === undefined ? [] : [missing])]),
    )
    const prefetch = new Prefetch(verifier, ids, stop.signal)
    // Checkpoints whose state is missing. Each may have been pruned since the history was read, and a late request has put its manifest back.
    const stateless: { readonly id: number; readonly writerEpoch: number | undefined }[] = []
    const wasPruned = async () => {
      // While the history is lost, nothing is removed.
      if (stateless.length === 0 || view.current.lost !== undefined) return false
      const now = await view.now(options.signal)
      return stateless.splice(0).some(({ id, writerEpoch }) => !now.counts(id, writerEpoch))
    }
    for (const [at, id] of ids.entries()) {
      if (id === missing) {
        skipped.push(lost(place, view, id))
        examined++
        continue
      }
      const inPlace = misplaced.get(id)
      if (inPlace !== undefined) {
        skipped.push({ id, key: inPlace, issues: [notAFolder] })
        examined++
        continue
      }
      const seen = await prefetch.take(id)
      // Whoever was superseded wrote it, so it is not part of the history: ignored, and not reported as skipped.
      if (seen !== undefined && !view.counts(id, seen.writerEpoch)) continue
      const damaged = seen?.damaged
      const looking =
        damaged !== undefined ? unreadable(id, damaged) : id === latest?.id ? latest.found : look(view.listing, id)
      // No manifest is read ahead while the latest is read: nearly always, no other is needed.
      if (at > 0) prefetch.readBehind(at)
      const found = await looking
      if (found.gone) return "gone"
      const read = { manifest: found.manifest, meta: found.manifestMeta }
      const verdict = await view.verdict(id, read, options.signal)
      if (verdict === "again") return "gone"
      if (verdict === "dead") continue
      examined++
      // Before anybody acts on an older checkpoint.
      if (found.valid && (await wasPruned())) return "gone"
      const judged = await judge(history, found, options, visit)
      if (judged === "gone") return "gone"
      if (!("issues" in judged)) return { view, checkpoint: judged, skipped, examined }
      skipped.push({ id, key: place.layout.manifestKey(id), issues: judged.issues })
      if (!found.valid && found.manifest !== undefined && found.stateMeta === undefined)
        stateless.push({ id, writerEpoch: writerEpochOf(found.manifest) })
    }
    if (await wasPruned()) return "gone"
    return { view, skipped, examined }
  } finally {
    stop.end()
  }
}

/** Judges a checkpoint that counts: gives the checkpoint, or the issues for which it is passed over. */
async function judge(
  history: History,
  found: Verified,
  options: WalkOptions,
  visit: (checkpoint: Checkpoint) => Promise<Visited>,
): Promise<Checkpoint | "gone" | { readonly issues: readonly ValidationIssue[] }> {
  const { place, verifier, emit } = history
  const { issues, manifest: read, stateMeta, valid } = found
  if (!valid || read === undefined) return { issues }
  const { accept } = options
  if (accept !== undefined) {
    const accepted: unknown = await place.gate.outside(async () => accept(read))
    // A `return` that was forgotten must not pass for "no": the job would go past all that is good.
    if (typeof accepted !== "boolean") throw noAnswer(found.id, accepted)
    // `accept` may have closed the store. Then no request may follow: not for an older checkpoint, nor about this one.
    place.gate.assertOpen("recover")
    if (!accepted) return { issues: [...issues, notAccepted] }
  }
  await assertStays(history, found, options.signal)
  let manifest = read
  if (history.lead !== undefined) {
    const marked = await markSeen(history, read, found.manifestMeta?.version, options.signal)
    if (marked === "again") return "gone"
    if ("length" in marked) return { issues: [...issues, ...marked] }
    manifest = marked
  }
  const checkpoint = openCheckpoint(history, manifest, { ...options.readers, stateMeta })
  const visited = await visit(checkpoint)
  if (visited === "gone") return "gone"
  if (visited !== "done") {
    verifier.memory.note({ ...found, valid: false }, "deep", undefined)
    return { issues: [...issues, ...visited] }
  }
  if (issues.length > 0) emit({ type: "manifest-warnings", id: found.id, issues })
  return checkpoint
}

/**
 * Recovery gives no checkpoint that a crash may still undo. The caller acts on a checkpoint: it commits sinks, and reads its sources on.
 * After the crash an older checkpoint would be the latest, and the acts would stand.
 */
async function assertStays({ place }: History, found: Verified, signal: AbortSignal | undefined): Promise<void> {
  const { id, manifestMeta, stateMeta } = found
  try {
    await place.storage.assertDurable(objectsOf(place, { id, version: manifestMeta?.version }, stateMeta), signal)
  } catch (cause) {
    if (!(cause instanceof BackendError) || cause.kind !== "ambiguous" || isTimeout(cause)) throw cause
    const message = `checkpoint ${id} verifies, and a crash may still undo it, so recovery does not give it: ${cause.message.replace(/\.?$/, ".")} open(${id}) reads it all the same.`
    const details = { ...place.manifest(id), retryable: !cause.unsettleable, cause }
    throw new CheckpointError("CKPT_UNKNOWN_OUTCOME", message, details)
  }
}

function noAnswer(id: number, accepted: unknown): CheckpointError {
  const message = `recover: accept gave ${show(accepted)} for checkpoint ${id}; it must return true or false (was a return forgotten?).`
  return new CheckpointError("CKPT_INVALID", message, { checkpointId: id })
}

const notAccepted = warning("not-accepted", "the caller did not accept it")

/**
 * What is in the place of a checkpoint's folder and is none (a file, a link): id → key. An empty folder is a save that was never
 * committed; this is damage, and the folder that was there may have held a checkpoint.
 */
function notFolders({ taken, manifests }: Listing): Map<number, string> {
  // A file inside the folder takes the id too, and is no damage.
  const others = [...taken].filter(([id, { key }]) => key.endsWith(`/${directoryName(id)}`) && !manifests.has(id))
  return new Map(others.map(([id, { key }]) => [id, key]))
}

const notAFolder = fatal("manifest-missing", "something that is no folder is in the place of this checkpoint")

const beyondNumbers = fatal("number-unsafe", "the id in this name is beyond 2^53 - 1; use a newer tool to read it")
