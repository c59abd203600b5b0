import { CheckpointError, type CheckpointManifest, type StoreOperations, type ValidationIssue } from "@ckpt/core"
import { type OperatorFacts, operatorsOf } from "./operators.js"
import { load } from "./rows.js"

/** One checkpoint with all that its manifest says. */
export interface Description {
  readonly id: number
  readonly valid: boolean
  readonly issues: readonly ValidationIssue[]
  readonly pins: readonly string[]
  /** Absent if it cannot be read. */
  readonly manifest?: CheckpointManifest
  /** Absent if the manifest cannot be read. */
  readonly operators?: readonly OperatorFacts[]
}

/**
 * A damaged checkpoint is described as far as it can be read.
 *
 * @throws {CheckpointError} `CKPT_NOT_FOUND` if there is no such checkpoint; the codes of `verify`, `load` and `pins`
 */
export async function describe(store: StoreOperations, id: number, signal?: AbortSignal): Promise<Description> {
  const [{ valid, issues }, manifest, pins] = await Promise.all([
    store.verify(id, { depth: "shallow", signal }),
    load(store, id, signal),
    store.pins({ signal }),
  ])
  if (issues.some(({ code }) => code === "manifest-missing")) {
    throw new CheckpointError("CKPT_NOT_FOUND", `checkpoint ${id} does not exist; ckpt ls shows those that do.`, {
      checkpointId: id,
    })
  }
  const names = pins.filter((pin) => pin.id === id).map(({ name }) => name)
  const read = manifest === undefined ? {} : { manifest, operators: readable(manifest) }
  return { id, valid, issues, pins: names, ...read }
}

/** The operators; none if an inline state of a damaged manifest is no base64. */
function readable(manifest: CheckpointManifest): OperatorFacts[] {
  try {
    return operatorsOf(manifest)
  } catch {
    return []
  }
}

/** A time of a manifest, which may be any number: ISO 8601; `undefined` beyond the years that a date holds. */
export function isoOf(ms: number): string | undefined {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

// Milliseconds since 1970 of the years 2000 to 2100. A watermark is in the job's own unit, and LaminarDB's is this one.
const fromMs = 946_684_800_000n
const toMs = 4_102_444_800_000n

/** Milliseconds that the watermark lies behind the time of its checkpoint; `undefined` if it does not look like a time. */
export function lagOf({ watermark, timestampMs }: Pick<CheckpointManifest, "watermark" | "timestampMs">) {
  if (watermark === null || watermark < fromMs || watermark > toMs) return undefined
  return timestampMs - Number(watermark)
}
