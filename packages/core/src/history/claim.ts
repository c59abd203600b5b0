import { BackendError, CheckpointError } from "../errors.js"
import { latestFirst, newToken } from "../format/ids.js"
import { marked } from "../format/manifest/claim-mark.js"
import { type Claim, isLost, type Pointer, type Writer } from "../format/pointer.js"
import type { ObjectMeta } from "../storage/backend.js"
import { createMarker } from "../storage/create-once.js"
import { bytesBody } from "../storage/storage.js"
import { readManifest } from "../verify/read-manifest.js"
import { claimsInPointer, type HistoryContext, type RetentionContext } from "./context.js"
import { counts, isOfHistory } from "./rule.js"
import { latestValidId } from "./summary.js"

/** What a claim gave: the writer that leads now, and the id from which on its history is its own. */
export interface Claimed {
  readonly writer: Writer
  readonly from: number
}

/**
 * Makes a new writer lead: everybody who wrote before is superseded, and what they still write does not count.
 *
 * @throws {CheckpointError} `CKPT_UNSUPPORTED` where no compare-and-swap holds among processes
 */
export async function claim(context: RetentionContext, signal: AbortSignal | undefined): Promise<Claimed> {
  assertClaimable(context)
  const writer = { token: newToken(), epoch: 0 }
  const before = await context.pointer.read(signal)
  // A lost pointer whose claims their objects told: nobody leads, so the end of the history stands still.
  const lostEnd =
    isLost(before) && before.claims.length > 0 ? await endOfHistory(context, before.claims, signal) : undefined
  const first = await context.pointer.change((current) => {
    if (current.writer?.token === writer.token) return undefined
    writer.epoch = 1 + Math.max(current.writer?.epoch ?? 0, ...current.claims.map((claim) => claim.epoch))
    const leads = { writer: { ...writer } }
    if (current.claims.length === 0) return leads
    // Where claims tell the history, the pointer is its end.
    const from = isLost(current) ? lostEnd : current.checkpointId
    if (from === undefined) throw new BackendError("transient", `${context.pointer.key} was lost a moment ago`)
    return { ...leads, checkpointId: from, claims: withClaim(current.claims, writer.epoch, from) }
  })
  const from = first.claims.length > 0 ? first.checkpointId : await endOfPlainHistory(context, writer, signal)
  // Told again by an object of its own, should the pointer be lost; before the new leader writes anything.
  await createMarker(
    context.storage,
    context.layout.claimKey(writer.epoch, from),
    { epoch: writer.epoch, from },
    signal,
  )
  const survey = await context.surveyor.manifests(signal)
  const pointer = await context.pointer.read(signal)
  context.pointer.assertLeads(pointer, writer)
  await shutOutLateUpdates(context, survey.manifests, pointer, writer.epoch, signal)
  return { writer: { ...writer }, from }
}

function assertClaimable(context: HistoryContext): void {
  if (claimsInPointer(context)) return
  const { layout, storage } = context
  const { backend } = storage
  const why =
    backend.capabilities.compareAndSwap === "storage"
      ? `the ${layout.name} layout has no room for a claim`
      : `storage ${backend.name} has no compare-and-swap that holds among processes`
  const message = `claim: ${why}. Use an object store with the "objects" layout, or make sure by other means that one process writes.`
  throw new CheckpointError("CKPT_UNSUPPORTED", message, { backend: backend.name })
}

/** Claims of one `from` are one: the later epoch says all that the earlier one said. */
function withClaim(before: readonly Claim[], epoch: number, from: number): Claim[] {
  return [...before.filter((claim) => claim.from !== from), { epoch, from }]
}

/**
 * Until the first claim, the pointer is a hint: an acknowledged checkpoint may lie above it. So the writer leads first,
 * which refuses every save that has not been acknowledged yet, and only then the storage is listed for the last of those
 * that were.
 */
async function endOfPlainHistory(
  context: RetentionContext,
  writer: { epoch: number; token: string },
  signal: AbortSignal | undefined,
): Promise<number> {
  const latest = await endOfHistory(context, [], signal)
  const settled = await context.pointer.change((current) => {
    if (current.writer?.token === writer.token && current.claims.length > 0) return undefined
    context.pointer.assertLeads(current, writer)
    const checkpointId = Math.max(current.checkpointId, latest)
    return { checkpointId, claims: [{ epoch: writer.epoch, from: checkpointId }] }
  })
  return settled.checkpointId
}

/** The latest valid checkpoint as the claims tell the history, wherever the pointer stands; 0 if there is none. */
async function endOfHistory(
  context: RetentionContext,
  claims: readonly Claim[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const survey = await context.surveyor.everything(signal)
  const pointer = { ...(await context.pointer.read(signal)), checkpointId: Number.MAX_SAFE_INTEGER, claims }
  return (await latestValidId(context, survey, pointer, signal)) ?? 0
}

/**
 * Swaps the latest manifest that counts for itself with a mark, so that an update of it which the superseded writer has
 * under way finds another version and fails.
 */
async function shutOutLateUpdates(
  context: HistoryContext,
  manifests: ReadonlyMap<number, ObjectMeta>,
  pointer: Pointer,
  epoch: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const id of latestFirst(manifests.keys())) {
    if (!counts(id, pointer)) continue
    const lostAnswers = context.storage.lostAnswers(context.layout.manifestKey(id))
    for (;;) {
      const found = await readManifest(context, id, signal)
      if (found?.manifest === undefined || found.meta === undefined) break
      if (!isOfHistory(id, found.manifest.writer?.epoch, pointer)) break
      if ((found.manifest.writer?.fenced ?? 0) >= epoch) return
      const bytes = marked(found.manifest, epoch)
      try {
        await context.storage.put(context.layout.manifestKey(id), bytesBody(bytes), {
          when: { version: found.meta.version },
          signal,
        })
        return
      } catch (error) {
        signal?.throwIfAborted()
        if (!(error instanceof BackendError)) throw error
        // An update came first: its manifest is marked instead. Of a lost answer, what is there now tells.
        if (error.kind === "precondition") continue
        if (error.kind !== "ambiguous" || !(await lostAnswers.tryAgain(error, signal))) throw error
      }
    }
  }
}
