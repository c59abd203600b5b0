import { CheckpointError } from "../errors.js"
import { manifestKeys } from "../format/manifest/check.js"
import { checkOptions } from "../input/check-options.js"
import { aFunction, anything, aSignal, milliseconds, type ShapeOf, wholeNumber, withMethods } from "../input/kinds.js"
import { show } from "../input/show.js"
import { isReadOnce } from "../state/read-once.js"
import { optionOf, type StateSource } from "../state/source.js"
import type { CheckpointerOptions, CheckpointerStore, CloseCheckpointerOptions, Snapshot } from "./checkpointer-api.js"

const optionsShape: ShapeOf<CheckpointerOptions> = {
  fields: {
    snapshot: aFunction,
    everyMs: milliseconds(1),
    everyRecords: wholeNumber(1),
    onSaved: aFunction,
    signal: aSignal,
    endWithinMs: milliseconds(1),
    onEvent: aFunction,
    clock: withMethods(["monotonic", "sleep"], "an object with monotonic() and sleep()"),
  },
  example: "an object such as { everyRecords: 1_000, snapshot }",
}

const aStore = withMethods(["nextManifest", "save"], "an open store")

const closeShape: ShapeOf<CloseCheckpointerOptions> = { fields: { signal: aSignal } }

/** @throws {CheckpointError} `CKPT_INVALID` for what cannot be used */
export function assertCloseOptions(options: CloseCheckpointerOptions): void {
  checkOptions("close", options, closeShape)
}

const inManifest = (name: string) => [name, `it is a field of the manifest: { manifest: { ${name} }, state }`]
const snapshotShape: ShapeOf<Snapshot> = {
  fields: { manifest: anything, state: anything, operators: anything, inlineThreshold: anything },
  hints: Object.fromEntries([...manifestKeys].map(inManifest)),
  example: "an object such as { manifest: { sourceOffsets }, state: json(value) }",
}

/** @throws {CheckpointError} `CKPT_INVALID` for what cannot be used */
export function assertCheckpointerOptions(store: CheckpointerStore, options: CheckpointerOptions): void {
  const invalid = (problem: string) => new CheckpointError("CKPT_INVALID", `createCheckpointer: ${problem}.`)
  if (!aStore.fits(store)) throw invalid(`the store is ${show(store)}; give an open store`)
  checkOptions("createCheckpointer", options, optionsShape)
  if (options?.endWithinMs !== undefined && options.signal === undefined)
    throw invalid("endWithinMs counts from the abort of signal; give both")
  if (options?.snapshot === undefined || (options.everyMs ?? options.everyRecords) === undefined)
    throw invalid("give { snapshot } and, of { everyMs } and { everyRecords }, at least one")
}

/**
 * Refuses a snapshot that cannot be used, and a state that can be read once: if the first save failed, there would be no second.
 *
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function assertSnapshot(taken: Snapshot): void {
  if (typeof taken !== "object" || taken === null)
    throw new CheckpointError("CKPT_INVALID", `snapshot: it gave ${show(taken)}; give ${snapshotShape.example}.`)
  checkOptions("snapshot", taken, snapshotShape)
  const { state, operators } = taken
  const entries: Iterable<readonly [string, unknown]> =
    operators instanceof Map ? operators : Object.entries(operators ?? {})
  const sources = [...entries].map(([name, source]) => [optionOf(name), source] as const)
  const readOnce = [["state", state] as const, ...sources].find(([, source]) => isReadOnce(source as StateSource))
  if (readOnce === undefined) return
  const advice =
    "give bytes, such as json(value), or a function that makes the stream, which is called anew for each attempt"
  throw new CheckpointError(
    "CKPT_INVALID",
    `snapshot: ${readOnce[0]} can be read once, and a save that failed is repeated; ${advice}.`,
  )
}

/**
 * Refuses a count that is no number, by which no checkpoint would ever be due.
 *
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function assertRecords(count: unknown): void {
  if (Number.isSafeInteger(count) && (count as number) >= 0) return
  throw new CheckpointError("CKPT_INVALID", `tick: the records are ${show(count)}; give a whole number from 0.`)
}
