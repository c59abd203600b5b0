import { mapConcurrently } from "../async/concurrency.js"
import type { ValidationIssue } from "../format/manifest/issues.js"
import type { NamedMap, SinkCommitStatus } from "../format/manifest/model.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Stored } from "../storage/known-durable.js"
import type { Place } from "../storage/place.js"
import type { Outline } from "../verify/memory.js"
import type { Verifier } from "../verify/verifier.js"
import type { Listing } from "./listing.js"
import type { View } from "./view.js"

/**
 * One checkpoint as `list` shows it. A damaged checkpoint has its issues, and lacks the fields that could not be read.
 */
export interface CheckpointSummary {
  /** The checkpoint. */
  readonly id: number
  /** The job's epoch. */
  readonly epoch?: number
  /** The manifest's own time, by the writer's clock: milliseconds since 1970. */
  readonly timestampMs?: number
  /** True if no issue is fatal. `list` compares the state's size; `verify` and `recover` also compare its checksum. */
  readonly valid: boolean
  /** Warnings and fatal issues. */
  readonly issues: readonly ValidationIssue[]
  /** Bytes of `state.bin`. */
  readonly stateSize?: number
  /** Bytes of each operator's state, by its name. Absent without operators, and with more than 1,000. */
  readonly operators?: NamedMap<number>
  /** Whether each sink has committed, by its name. Absent without sinks, and with more than 1,000. */
  readonly sinks?: NamedMap<SinkCommitStatus["status"]>
  /** The manifest's labels. Absent without any. */
  readonly labels?: NamedMap<string>
  /** The names of its pins, if it has any: retention leaves it alone. */
  readonly pins?: readonly string[]
  /** When the manifest was last written, by the storage's clock. */
  readonly lastModified: Date
}

/** The checkpoints that `list` shows. Nothing is read before it is asked for, and each iteration reads anew. */
export interface CheckpointList extends AsyncIterable<CheckpointSummary> {
  /** All of them in one array. */
  toArray(): Promise<CheckpointSummary[]>
}

/** A checkpoint's id, and the version of its manifest that was read. */
interface Found {
  readonly id: number
  readonly version: string | undefined
}

/** The objects of a checkpoint, as they were found. */
export function objectsOf({ layout }: Place, { id, version }: Found, state: ObjectMeta | undefined): Stored[] {
  const manifest = { key: layout.manifestKey(id), version }
  return state === undefined ? [manifest] : [state, manifest]
}

/** True if no crash takes away what was found of a checkpoint. */
export function isDurable(
  place: Place,
  found: Found,
  state: ObjectMeta | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { storage } = place
  return storage.isDurable(objectsOf(place, found, state), signal)
}

/** An outline, and whether its manifest was written after the listing that showed it. */
export interface Summarized {
  readonly outline: Outline
  readonly isNewer: boolean
}

/** The summaries of the checkpoints that count, with their pins. */
export function withPins(all: readonly Summarized[], view: View): CheckpointSummary[] {
  return all
    .filter((one) => countsIn(view, one))
    .map(({ outline: { writerEpoch: _w, carries: _c, version: _v, isCommitted: _i, ...summary } }) => {
      const pins = view.pinNames.get(summary.id)
      return pins === undefined ? summary : { ...summary, pins }
    })
}

function countsIn(view: View, { outline }: Summarized): boolean {
  return view.counts(outline.id, outline.writerEpoch)
}

/**
 * The view that may judge these checkpoints: {@link View.verdict} for many. The history is read once more if a manifest was
 * written after the listing, or carries a higher epoch than the history.
 */
export async function judging(all: readonly Summarized[], view: View, signal: AbortSignal | undefined): Promise<View> {
  const isBehind = view.current.lost === undefined && all.some(({ outline }) => outline.carries > view.record.epoch)
  return isBehind || all.some(({ isNewer }) => isNewer) ? view.now(signal) : view
}

/**
 * The listed checkpoints: each manifest is read, each state is compared by size. A checkpoint that is gone is left out.
 *
 * @param options.anew read a checkpoint again, even if it has the versions that were verified before
 */
export async function summaries(
  verifier: Verifier,
  { manifests, states }: Listing,
  ids: readonly number[],
  { signal, anew = false }: { signal: AbortSignal | undefined; anew?: boolean },
): Promise<Summarized[]> {
  const found = await mapConcurrently(ids, async (id) => {
    const manifest = manifests.get(id) as ObjectMeta
    const outline = await verifier.outline(id, { manifest, state: states.get(id), anew }, signal)
    // A damaged manifest is reported as damaged, whenever it was written.
    const isNewer = outline?.version !== undefined && outline.version !== manifest.version
    return outline && { outline, isNewer }
  })
  return found.filter((one) => one !== undefined)
}

/**
 * The latest checkpoint that counts, has no fatal issue, has its own state (see `Verifier.hasOwnState`), and is durable: nothing at or
 * above it is ever deleted. Others go because of it, so its manifest is read, whatever is remembered of it: a disk may have destroyed the
 * manifest since, without a trace in the listing.
 *
 * @param options.read the ids whose manifests the caller has read in this very call
 */
export async function latestValidId(
  verifier: Verifier,
  view: View,
  { signal, read }: { signal: AbortSignal | undefined; read?: { has(id: number): boolean } },
): Promise<number | undefined> {
  for (const id of view.latestFirst()) {
    const [one] = await summaries(verifier, view.listing, [id], { signal, anew: read?.has(id) !== true })
    if (!one?.outline.valid || !countsIn(view, one)) continue
    const { manifests, states } = view.listing
    const listed = { manifest: manifests.get(id), state: states.get(id) }
    if (!(await verifier.hasOwnState(id, listed, signal))) continue
    if (await isDurable(verifier.place, one.outline, listed.state, signal)) return id
  }
  return undefined
}
