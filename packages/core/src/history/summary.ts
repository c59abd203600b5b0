import { mapConcurrently } from "../async/concurrency.js"
import { fatal, type ValidationIssue } from "../format/manifest/validate.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Verified } from "../verify/verified.js"
import type { Verifier } from "../verify/verifier.js"
import type { Listing } from "./listing.js"
import { cameSince, type View } from "./view.js"

/** One checkpoint as `list` shows it; a damaged one has its issues and lacks what could not be read. */
export interface CheckpointSummary {
  readonly id: number
  readonly epoch?: number
  /** As its writer's clock had it, in milliseconds since 1970. */
  readonly timestampMs?: number
  /** No fatal issue. The state's checksum is not read for a list; `verify` and `recover` do. */
  readonly valid: boolean
  readonly issues: readonly ValidationIssue[]
  /** Bytes of `state.bin`. */
  readonly stateSize?: number
  /** The names of the pins that hold it; retention leaves it alone. */
  readonly pins?: readonly string[]
  /** When the manifest was last written, by the storage's clock. */
  readonly lastModified: Date
}

/** A summary, and the epoch of the claim under which the checkpoint was written, if there is one. */
export interface Summarized {
  readonly summary: CheckpointSummary
  readonly writerEpoch: number | undefined
  /** Its manifest was written after the listing that showed it. */
  readonly isNewer: boolean
}

/** The summaries of the checkpoints that count, with their pins. */
export function withPins(all: readonly Summarized[], view: View): CheckpointSummary[] {
  const names = new Map<number, string[]>()
  for (const { id, name } of view.pins) names.set(id, [...(names.get(id) ?? []), name])
  return all
    .filter((one) => countsIn(view, one))
    .map(({ summary }) => {
      const pins = names.get(summary.id)
      return pins === undefined ? summary : { ...summary, pins }
    })
}

function countsIn(view: View, { summary, writerEpoch }: Summarized): boolean {
  return view.counts(summary.id, writerEpoch)
}

/** The summaries that still count, as {@link View.stillCounts} says of one: the pointer is read once more, if any is newer. */
export async function recheck(
  all: readonly Summarized[],
  view: View,
  signal: AbortSignal | undefined,
): Promise<readonly Summarized[]> {
  if (!all.some(({ isNewer }) => isNewer)) return all
  const now = await view.now(signal)
  return all.filter((one) => !one.isNewer || countsIn(now, one))
}

/** Looked at one by one: manifests are read, states are compared by size. What is gone is left out. */
export async function summaries(
  verifier: Verifier,
  listing: Listing,
  ids: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Summarized[]> {
  const { manifests, states } = listing
  const found = await mapConcurrently(ids, async (id) => {
    const verified = await verifier.verify(id, { depth: "shallow", listed: states.get(id) ?? null, signal })
    if (verified.gone) return undefined
    const { manifest, manifestMeta } = verified
    const isNewer = cameSince(listing, id, { manifest, meta: manifestMeta })
    const summary = summarize(verified, manifests.get(id) as ObjectMeta)
    const origin = { writerEpoch: manifest?.writer?.epoch, isNewer }
    if (!summary.valid || !verifier.isDistrusted(verified)) return { summary, ...origin }
    const damaged = fatal("state-checksum", "its state was found damaged when it was read; verify() says how")
    return { summary: { ...summary, valid: false, issues: [...summary.issues, damaged] }, ...origin }
  })
  return found.filter((one) => one !== undefined)
}

function summarize({ id, manifest, manifestMeta, stateMeta, issues, valid }: Verified, listed: ObjectMeta) {
  const stateSize = manifest?.stateSize ?? stateMeta?.size
  return {
    id,
    ...(manifest === undefined ? {} : { epoch: manifest.epoch, timestampMs: manifest.timestampMs }),
    valid,
    issues,
    ...(stateSize === undefined ? {} : { stateSize }),
    lastModified: (manifestMeta ?? listed).lastModified,
  }
}

/** The latest checkpoint that counts and has no fatal issue: nothing at or above it is ever deleted. */
export async function latestValidId(
  verifier: Verifier,
  view: View,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  for (const id of view.latestFirst()) {
    const [one] = await summaries(verifier, view.listing, [id], signal)
    if (one?.summary.valid && countsIn(view, one)) return id
  }
  return undefined
}
