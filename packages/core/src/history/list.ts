import { requestConcurrency } from "../async/concurrency.js"
import { CheckpointError } from "../errors.js"
import { oldestFirst } from "../format/ids.js"
import { type ShapeOf, wholeNumber } from "../input/kinds.js"
import { type OperationOptions, operationShape } from "../options.js"
import { type History, maxRounds, restless } from "./history.js"
import type { Listing } from "./listing.js"
import { tellMissing } from "./missing.js"
import { type CheckpointSummary, judging, type Summarized, summaries, withPins } from "./summary.js"
import type { View } from "./view.js"

/** Which checkpoints `list` of a store shows. */
export interface ListOptions extends OperationOptions {
  /** Only checkpoints with a lower id. From 1. Default: all. For the page before: the lowest id of this page. */
  below?: number | undefined
  /** Only the latest of these, so many; only these are read. From 1. Default: all. */
  last?: number | undefined
}

export const listShape = {
  fields: { ...operationShape.fields, below: wholeNumber(1), last: wholeNumber(1) },
} as const satisfies ShapeOf<ListOptions>

type Signal = AbortSignal | undefined

/** The ids of the listed manifests that {@link View.mayCount}, ascending; damaged manifests too. */
export async function ids(history: History, signal: Signal): Promise<number[]> {
  const view = await history.view(signal, { of: "manifests" })
  tellMissing(history, view)
  return view.latestFirst().reverse()
}

/** The lowest id above every id ever seen here. */
export async function nextId(history: History, signal: Signal): Promise<number> {
  return assertIdLeft(history, (await history.look(signal)).nextId(history.emit))
}

/** @throws {CheckpointError} `CKPT_INVALID` if `next` is no id any more */
export function assertIdLeft(history: History, next: number): number {
  if (Number.isSafeInteger(next)) return next
  const message =
    "the ids of this store are used up (2^53 - 1). Remove the object with that id, or open a store in another place."
  throw new CheckpointError("CKPT_INVALID", message, { backend: history.place.backend })
}

type Step = <T>(task: () => Promise<T>) => Promise<T>

/**
 * The checkpoints in ascending order.
 *
 * @param step runs each batch as a call of its own, since the caller's code runs between two batches
 */
export async function* list(
  history: History,
  options: ListOptions,
  step: Step,
): AsyncGenerator<CheckpointSummary, void, void> {
  // A caller without types is told of what cannot be used by the first step.
  const { last, below = Number.POSITIVE_INFINITY, signal } = options ?? {}
  if (last === undefined) yield* all(history, below, signal, step)
  else yield* await step(() => latest(history, last, below, signal))
}

/** The latest `count` checkpoints below an id, ascending. No other manifest is read. */
async function latest(history: History, count: number, below: number, signal: Signal): Promise<CheckpointSummary[]> {
  for (let round = 1; round <= maxRounds; round++) {
    const view = await history.view(signal)
    const found = await latestIn(history, view, count, below, signal)
    if (found === undefined) continue
    tellMissing(history, view)
    return found
  }
  throw restless(history.place)
}

/**
 * `undefined`: the end of the list is gone, and none above it counts. A later checkpoint may be there, so the caller lists again. A page that
 * does not reach the end has later checkpoints above it.
 */
async function latestIn(
  { verifier }: History,
  view: View,
  count: number,
  below: number,
  signal: Signal,
): Promise<CheckpointSummary[] | undefined> {
  const candidates = view.latestFirst().filter((id) => id < below)
  const found: CheckpointSummary[] = []
  // Those of a superseded writer do not count, so more than `count` may have to be read.
  for (let start = 0; start < candidates.length && found.length < count; ) {
    const batch = candidates.slice(start, start + Math.min(requestConcurrency, count - found.length))
    start += batch.length
    const read = await summaries(verifier, view.listing, batch, { signal, anew: true })
    const judge = await judging(read, view, signal)
    found.push(...withPins(read, judge))
    if (highestGoneOf(batch, read, judge) > (found[0]?.id ?? 0) && reachesEnd(view, below)) return undefined
  }
  return found.reverse()
}

/** Whether the end of the list is below this id: nothing that may count is listed above. Sorts all ids, so it is not for each batch. */
function reachesEnd(view: View, below: number): boolean {
  return (view.latestFirst()[0] ?? 0) < below
}

/** The highest id of the batch that is gone: its manifest is not there, or it is dead by now; 0: none is. */
function highestGoneOf(batch: readonly number[], read: readonly Summarized[], judge: View): number {
  const there = new Set(read.map(({ outline }) => outline.id))
  return Math.max(0, ...batch.filter((id) => !there.has(id) || !judge.mayCount(id)))
}

/**
 * The checkpoints below an id, read in batches. A listed checkpoint may be gone, and no checkpoint above it counts. Either retention removed
 * it, and a later checkpoint ends the list; or it is lost, and the listing lagged. So the storage is listed again.
 */
async function* all(
  history: History,
  below: number,
  signal: Signal,
  step: Step,
): AsyncGenerator<CheckpointSummary, void, void> {
  const { verifier } = history
  const listed = ({ manifests }: Listing) => oldestFirst(manifests.keys()).filter((id) => id < below)
  // A list shows each checkpoint as it is now, not as it was when it was last verified.
  const options = { signal, anew: true }
  let highestShown = 0
  let highestGone = 0
  const { view, first } = await step(async () => {
    let batch: readonly number[] = []
    let reading: Promise<Summarized[]> | undefined
    // The first batch is read at the same time as the pointer.
    const onListed = (listing: Listing) => {
      batch = listed(listing).slice(0, requestConcurrency)
      reading = summaries(verifier, listing, batch, options)
      reading.catch(() => {})
    }
    // What was begun ends before a failure is told.
    const looked = await history.view(signal, { onListed }).finally(() => reading?.catch(() => {}))
    tellMissing(history, looked)
    return {
      view: looked,
      first: await shown(
        looked,
        batch.filter((id) => looked.mayCount(id)),
        (await reading) ?? [],
      ),
    }
  })
  yield* first
  yield* batches(view, listed(view.listing).slice(requestConcurrency))
  let last = view
  for (let round = 1; highestGone > highestShown; round++) {
    if (!reachesEnd(last, below)) return
    if (round > maxRounds) throw restless(history.place)
    // From the id that was gone: a plain writer may have saved it anew.
    const from = highestGone
    highestGone = 0
    const next = await step(async () => {
      const looked = await history.view(signal, { of: "manifests" })
      tellMissing(history, looked)
      return looked
    })
    last = next
    yield* batches(
      next,
      listed(next.listing).filter((id) => id >= from),
    )
  }

  async function* batches(of: View, ids: readonly number[]): AsyncGenerator<CheckpointSummary, void, void> {
    for (let start = 0; start < ids.length; start += requestConcurrency) {
      const batch = ids.slice(start, start + requestConcurrency).filter((id) => of.mayCount(id))
      yield* await step(async () => shown(of, batch, await summaries(verifier, of.listing, batch, options)))
    }
  }

  async function shown(of: View, batch: readonly number[], found: readonly Summarized[]) {
    const judge = await judging(found, of, signal)
    const summarized = withPins(found, judge)
    highestGone = Math.max(highestGone, highestGoneOf(batch, found, judge))
    highestShown = Math.max(highestShown, summarized.at(-1)?.id ?? 0)
    return summarized
  }
}
