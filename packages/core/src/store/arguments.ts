import { saveShape } from "../commit/prepare.js"
import { CheckpointError } from "../errors.js"
import { createManifest } from "../format/manifest/check.js"
import type { ConnectorOffsets, GivenOffsets, NamedMap, NextManifest } from "../format/manifest/model.js"
import { assertPinName } from "../history/pin.js"
import { checkOptions } from "../input/check-options.js"
import { show } from "../input/show.js"
import { type CheckpointChoice, pinChoiceShape } from "../recovery/open.js"

/** @param call how the operation is called, for the message: arguments may have changed places */
export function assertId(call: string, id: unknown, lowest: 0 | 1): asserts id is number {
  if (Number.isSafeInteger(id) && (id as number) >= lowest) return
  const { id: inside } = (typeof id === "object" && id !== null ? id : {}) as { id?: unknown }
  const advice = Number.isSafeInteger(inside) ? "give its id" : `give a whole number from ${lowest} to 2^53 - 1`
  throw new CheckpointError("CKPT_INVALID", `${call}: the id is ${show(id)}; ${advice}.`)
}

export function assertVisitor(visit: unknown): void {
  if (typeof visit === "function") return
  const message = `restore: visit is ${show(visit)}; give a function that takes a checkpoint and reads it.`
  throw new CheckpointError("CKPT_INVALID", message)
}

export function assertChange(change: unknown): void {
  if (typeof change === "function") return
  const message = `update: the change is ${show(change)}; give a function: (current) => ({ ...current, … }).`
  throw new CheckpointError("CKPT_INVALID", message)
}

/** An id, or `{ pin: "name" }`. */
export function assertChoice(which: unknown): asserts which is CheckpointChoice {
  if (typeof which === "number") return assertId("open(id)", which, 0)
  if (typeof which !== "object" || which === null)
    throw new CheckpointError(
      "CKPT_INVALID",
      `open: ${show(which)} names no checkpoint; give an id, or { pin: "name" }.`,
    )
  checkOptions("open", which, pinChoiceShape)
  assertPinName((which as { pin?: unknown }).pin)
}

/** The fields of a manifest without its id: checked before an id is taken for them, and copied, since the caller goes on. */
export function fieldsOf(operation: string, fields: unknown): NextManifest {
  const invalid = (problem: string) => new CheckpointError("CKPT_INVALID", `${operation}: ${problem}.`)
  if (Object.prototype.toString.call(fields) !== "[object Object]")
    throw invalid(`the fields are ${show(fields)}; give fields of the manifest, such as { sourceOffsets }, or {}`)
  const { checkpointId, ...rest } = fields as { checkpointId?: unknown }
  const isSnapshot = operation === "snapshot"
  if (checkpointId !== undefined)
    throw invalid(
      isSnapshot
        ? "manifest has a checkpointId; leave it out: the store gives each checkpoint the next id"
        : "it takes the next id itself; to save under an id of your own, call save(createManifest({ checkpointId, … }))",
    )
  const misplaced = Object.keys(rest).find((name) => Object.hasOwn(saveShape.fields, name))
  if (misplaced !== undefined) {
    const place = isSnapshot ? `beside it: { manifest, ${misplaced} }` : `to the save: saveNext({}, { ${misplaced} })`
    throw invalid(`${misplaced}: is not a field of the manifest; it belongs ${place}`)
  }
  const given = rest as NextManifest
  const { checkpointId: _id, ...copy } = createManifest({ ...given, epoch: given.epoch ?? 1, checkpointId: 1 })
  const { sourceOffsets, tableOffsets } = given
  return {
    ...copy,
    epoch: given.epoch,
    sourceOffsets: withEpochsOf(sourceOffsets, copy.sourceOffsets),
    tableOffsets: withEpochsOf(tableOffsets, copy.tableOffsets),
  }
}

/** A copy of offsets that has no epoch where none was given: the manifest's is not chosen yet. */
function withEpochsOf(given: NextManifest["sourceOffsets"], copy: NamedMap<ConnectorOffsets>): NamedMap<GivenOffsets> {
  return Object.fromEntries(
    Object.entries(copy).map(([name, offsets]) => [name, { ...offsets, epoch: given?.[name]?.epoch }]),
  )
}
