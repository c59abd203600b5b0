import { CheckpointError, type CheckpointManifest, type StoreOperations, type ValidationIssue } from "@ckpt/core"
import { type OperatorFacts, operatorsOf } from "./operators.js"
import { load } from "./rows.js"
import { isGone } from "./verify.js"

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
  const [verdict, manifest, pins] = await Promise.all([
    store.verify(id, { depth: "shallow", signal }),
    load(store, id, signal),
    store.pins({ signal }),
  ])
  if (isGone(verdict)) throw new CheckpointError("CKPT_NOT_FOUND", notThere(id), { checkpointId: id })
  const { valid, issues } = verdict
  const names = pins.filter((pin) => pin.id === id).map(({ name }) => name)
  const read = manifest === undefined ? {} : { manifest, operators: readable(manifest) }
  return { id, valid, issues, pins: names, ...read }
}

/** What is said of an id that no checkpoint has. */
export function notThere(id: number): string {
  return `checkpoint ${id} does not exist; ckpt ls shows those that do.`
}

/** The operators; none if an inline state of a damaged manifest is no base64. */
function readable(manifest: CheckpointManifest): OperatorFacts[] {
  try {
    return operatorsOf(manifest)
  } catch {
    return []
  }
}
