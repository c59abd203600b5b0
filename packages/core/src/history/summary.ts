import { mapConcurrently } from "../async/concurrency.js"
import { latestFirst } from "../format/ids.js"
import type { WriterStamp } from "../format/manifest/model.js"
import { fatal, type ValidationIssue } from "../format/manifest/validate.js"
import type { Pin, Pointer } from "../format/pointer.js"
import type { ObjectMeta } from "../storage/backend.js"
import { type Examination, examine } from "../verify/verify.js"
import type { RetentionContext } from "./context.js"
import type { Survey } from "./listing.js"
import { counts, countsAs } from "./rule.js"
import { cameSince } from "./view.js"

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

function summarize(examination: Examination, listed: ObjectMeta): CheckpointSummary {
  const { id, manifest, issues, valid, stateMeta } = examination
  const stateSize = manifest?.stateSize ?? stateMeta?.size
  return {
    id,
    ...(manifest === undefined ? {} : { epoch: manifest.epoch, timestampMs: manifest.timestampMs }),
    valid,
    issues,
    ...(stateSize === undefined ? {} : { stateSize }),
    lastModified: (examination.manifestMeta ?? listed).lastModified,
  }
}

/** A summary, and the claim under which it was written. */
export interface Summarized {
  readonly summary: CheckpointSummary
  readonly writer: WriterStamp | undefined
  /** Its manifest was written after the listing that showed it. */
  readonly isNewer: boolean
}

/** The summaries of those that count, with their pins. */
export function counting(all: readonly Summarized[], pointer: Pointer, pins: readonly Pin[] = []): CheckpointSummary[] {
  return all
    .filter(({ summary: { id }, writer }) => countsAs(id, writer?.epoch, pointer))
    .map(({ summary }) => {
      const names = pins.filter((pin) => pin.id === summary.id).map((pin) => pin.name)
      return names.length === 0 ? summary : { ...summary, pins: names }
    })
}

/** Those that still count, as `stillCounts` says of one: of what was written after the listing, a pointer tells that is read now. */
export async function stillCounting(
  found: readonly Summarized[],
  readPointer: () => Promise<Pointer>,
): Promise<readonly Summarized[]> {
  if (!found.some(({ isNewer }) => isNewer)) return found
  const now = await readPointer()
  return found.filter(({ isNewer, summary, writer }) => !isNewer || countsAs(summary.id, writer?.epoch, now))
}

/** Looked at one by one: manifests are read, states are compared by size. */
export async function summaries(
  context: RetentionContext,
  survey: Survey,
  ids: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Summarized[]> {
  const found = await mapConcurrently(ids, async (id) => {
    const examination = await examine(context, id, { depth: "shallow", listed: survey.states.get(id) ?? null, signal })
    if (examination.gone) return undefined
    const listed = survey.manifests.get(id) as ObjectMeta
    const summary = summarize(examination, listed)
    const { manifest, manifestMeta } = examination
    const isNewer = cameSince(survey, id, { manifest, meta: manifestMeta })
    const origin = { writer: manifest?.writer, isNewer }
    if (!summary.valid || !context.isDistrusted(examination)) return { summary, ...origin }
    const damaged = fatal("state-checksum", "its state was found damaged when it was read; verify() says how")
    return { summary: { ...summary, valid: false, issues: [...summary.issues, damaged] }, ...origin }
  })
  return found.filter((one) => one !== undefined)
}

/** The latest checkpoint that counts and has no fatal issue: nothing at or above it is ever deleted. */
export async function latestValidId(
  context: RetentionContext,
  survey: Survey,
  pointer: Pointer,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  for (const id of latestFirst(survey.manifests.keys())) {
    if (!counts(id, pointer)) continue
    const [summary] = counting(await summaries(context, survey, [id], signal), pointer)
    if (summary?.valid) return id
  }
  return undefined
}
