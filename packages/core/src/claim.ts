import type { ObjectMeta } from "./backend.js"
import type { CommitContext } from "./commit.js"
import { BackendError, CheckpointError } from "./errors.js"
import { readManifest } from "./examine.js"
import { encodeManifest } from "./manifest/codec.js"
import type { CheckpointManifest } from "./manifest/schema.js"
import { type Claim, counts, isOfHistory, newToken, type Pointer, type Writer } from "./pointer.js"
import { bytesBody } from "./storage.js"
import { counting, type RetentionContext, type Summarized, summaries } from "./summary.js"
import { newestFirst, oldestFirst } from "./survey.js"

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
  const first = await context.pointer.change((current) => {
    if (current.writer?.token === writer.token) return undefined
    writer.epoch = 1 + Math.max(current.writer?.epoch ?? 0, ...current.claims.map((claim) => claim.epoch))
    const leads = { writer: { ...writer } }
    // Where claims tell the history, the pointer is its end.
    if (current.claims.length > 0)
      return { ...leads, claims: withClaim(current.claims, writer.epoch, current.checkpointId) }
    return leads
  })
  const from = first.claims.length > 0 ? first.checkpointId : await endOfPlainHistory(context, writer, signal)
  const survey = await context.surveyor.manifests(signal)
  const pointer = await context.pointer.read(signal)
  context.pointer.assertLeads(pointer, writer)
  await shutOutLateUpdates(context, survey.manifests, pointer, writer.epoch, signal)
  return { writer: { ...writer }, from }
}

/** True where claims live in the pointer; elsewhere the backend itself must know them. */
export function claimsInPointer({ storage, layout }: CommitContext): boolean {
  return storage.backend.capabilities.conditionalReplace && layout.pointerFormat === "json"
}

function assertClaimable(context: CommitContext): void {
  if (claimsInPointer(context)) return
  const { layout, storage } = context
  const { backend } = storage
  const why = backend.capabilities.conditionalReplace
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
 * that were. Where a pointer with claims was lost, their stamps in the manifests tell the claims again.
 */
async function endOfPlainHistory(
  context: RetentionContext,
  writer: { epoch: number; token: string },
  signal: AbortSignal | undefined,
): Promise<number> {
  const survey = await context.surveyor.everything(signal)
  const seen = await context.pointer.read(signal)
  const all = await summaries(context, survey, oldestFirst(survey.manifests.keys()), signal)
  const before = stampedClaims(all)
  const newest = counting(all, { ...seen, checkpointId: Number.MAX_SAFE_INTEGER, claims: before }).findLast(
    (summary) => summary.valid,
  )
  const interim = { ...writer }
  writer.epoch = Math.max(writer.epoch, ...before.map((claim) => claim.epoch + 1))
  const settled = await context.pointer.change((current) => {
    if (current.writer?.token === writer.token && current.claims.length > 0) return undefined
    context.pointer.assertLeads(current, interim)
    const checkpointId = Math.max(current.checkpointId, newest?.id ?? 0)
    return { checkpointId, writer: { ...writer }, claims: withClaim(before, writer.epoch, checkpointId) }
  })
  return settled.checkpointId
}

/** One claim for each epoch that wrote something. */
function stampedClaims(all: readonly Summarized[]): Claim[] {
  const claims = new Map<number, Claim>()
  for (const { writer } of all) {
    if (writer?.from !== undefined && writer.epoch > 0)
      claims.set(writer.epoch, { epoch: writer.epoch, from: writer.from })
  }
  return [...claims.values()].sort((a, b) => a.epoch - b.epoch)
}

/**
 * Swaps the newest manifest that counts for itself with a mark, so that an update of it which the superseded writer has
 * under way finds another version and fails.
 */
async function shutOutLateUpdates(
  context: CommitContext,
  manifests: ReadonlyMap<number, ObjectMeta>,
  pointer: Pointer,
  epoch: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const id of newestFirst(manifests.keys())) {
    if (!counts(id, pointer)) continue
    const lostAnswers = context.storage.lostAnswers(context.layout.manifestKey(id))
    for (;;) {
      const found = await readManifest(context, id, signal)
      if (found?.manifest === undefined || found.meta === undefined) break
      if (!isOfHistory(id, found.manifest.writer?.epoch, pointer)) break
      if ((found.manifest.writer?.fenced ?? 0) >= epoch) return
      const bytes = encodeManifest(marked(found.manifest, epoch))
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

function marked(manifest: CheckpointManifest, fenced: number): CheckpointManifest {
  return { ...manifest, writer: { epoch: 0, token: "", ...manifest.writer, fenced } }
}
