import { requestConcurrency } from "../async/concurrency.js"
import { CheckpointError } from "../errors.js"
import { oldestFirst } from "../format/ids.js"
import { type History, maxRounds, restless } from "./history.js"
import { tellMissing } from "./missing.js"
import { type CheckpointSummary, judging, type Summarized, summaries, withPins } from "./summary.js"
import type { View } from "./view.js"

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

/**
 * The checkpoints in ascending order, read in batches.
 *
 * @param step runs each batch as a call of its own, since the caller's code runs between two batches
 */
export async function* list(
  history: History,
  signal: Signal,
  step: <T>(task: () => Promise<T>) => Promise<T>,
): AsyncGenerator<CheckpointSummary, void, void> {
  const { verifier } = history
  // A list shows each checkpoint as it is now, not as it was when it was last verified.
  const options = { signal, anew: true }
  // Of the view that is shown. Sorted once, not with each batch.
  let latest: number | undefined
  let later: View | undefined
  const { view, first } = await step(async () => {
    let batch: readonly number[] = []
    let reading: Promise<Summarized[]> | undefined
    // The first batch is read at the same time as the pointer.
    const looked = await history.view(signal, {
      onListed: (listing) => {
        batch = oldestFirst(listing.manifests.keys()).slice(0, requestConcurrency)
        reading = summaries(verifier, listing, batch, options)
        reading.catch(() => {})
      },
    })
    tellMissing(history, looked)
    latest = looked.latestFirst()[0]
    return { view: looked, first: await shown(looked, batch, (await reading) ?? []) }
  })
  yield* first
  yield* batches(view, oldestFirst(view.listing.manifests.keys()).slice(requestConcurrency))
  while (later !== undefined) {
    const next: View = later
    // From the id that was gone: a plain writer may have saved it anew.
    const rest = oldestFirst(next.listing.manifests.keys()).filter((id) => latest === undefined || id >= latest)
    later = undefined
    latest = next.latestFirst()[0]
    yield* batches(next, rest)
  }

  async function* batches(of: View, all: readonly number[]): AsyncGenerator<CheckpointSummary, void, void> {
    for (let start = 0; start < all.length; start += requestConcurrency) {
      const batch = all.slice(start, start + requestConcurrency).filter((id) => of.mayCount(id))
      yield* await step(async () => shown(of, batch, await summaries(verifier, of.listing, batch, options)))
    }
  }

  async function shown(of: View, batch: readonly number[], found: readonly Summarized[]) {
    const isGone = latest !== undefined && batch.includes(latest) && !found.some(({ outline }) => outline.id === latest)
    if (isGone) later = await lookAgain(history, signal)
    return withPins(found, await judging(found, of, signal))
  }
}

/**
 * The latest listed checkpoint is gone. Retention may have removed it since, and then a later checkpoint is there, and ends the
 * list; or it is lost, and the listing lagged. A listing whose latest checkpoint can be read settles which.
 */
async function lookAgain(history: History, signal: Signal): Promise<View> {
  for (let round = 1; round <= maxRounds; round++) {
    const view = await history.view(signal, { of: "manifests" })
    const [latest] = view.latestFirst()
    if (latest === undefined || (await history.verifier.manifest(latest, signal)) !== undefined) {
      tellMissing(history, view)
      return view
    }
  }
  throw restless(history.place)
}
