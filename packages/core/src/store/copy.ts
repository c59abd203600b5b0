import { type Copied, type CopyOptions, type CopyRequest, copyFields, type Original } from "../commit/copy.js"
import { CheckpointError } from "../errors.js"
import { type OperationOptions, operationShape, type ProgressOptions, writeStateShape } from "../options.js"
import { original } from "../recovery/original.js"
import type { StoreOperations } from "./api.js"
import { assertId } from "./arguments.js"
import { type Insides, insidesOf } from "./insides.js"
import { tellSaved } from "./tell-saved.js"

/** The answer of `copyCheckpoint`. */
export interface CopyReceipt {
  /** The checkpoint, in both stores. */
  readonly id: number
  /**
   * `existed`: the same checkpoint was there already, and its state was not read from the other store. `replaced`: it was there,
   * damaged, and was written anew.
   */
  readonly outcome: "created" | "existed" | "replaced"
  /** Bytes of its state. */
  readonly stateSize: number
}

/**
 * Copies one checkpoint into another store, under the same id: the same bytes of manifest and state. The state is verified while it
 * is copied, by its checksum; the checksums of operators are kept. Only the marks of claims are left out of the manifest:
 * `writer`, `seen`, and `update_token` beside them.
 *
 * A copy that is there already is `existed`, so an interrupted copy is simply made again. Its state is compared by size alone, unless
 * `depth` is `"deep"`. If a sink of the checkpoint has committed since, that is recorded in the copy. Retention of `to` is applied by
 * its next save.
 *
 * @throws {CheckpointError} the codes of a call that writes; `CKPT_INVALID` too if an argument is no store, or both are the same;
 *   `CKPT_NOT_FOUND` if `from` has no such checkpoint; `CKPT_CORRUPT` if it does not verify, or the copy that is there does not, without
 *   `replaceDamaged`; `CKPT_PRUNED` if retention removed it meanwhile; `CKPT_CONFLICT` if the id has other content in `to`, or is used
 *   up there: nothing is overwritten; `CKPT_UNKNOWN_OUTCOME` if nobody knows whether it was written: copy again
 */
export async function copyCheckpoint(
  from: StoreOperations,
  to: StoreOperations,
  id: number,
  options: CopyOptions & OperationOptions & ProgressOptions = {},
): Promise<CopyReceipt> {
  const { outcome, stateSize } = await copyOne(endpointsOf("copyCheckpoint", from, to), id, { ...options })
  return { id, outcome, stateSize }
}

/** The two stores of a copy, and the function that was called, for messages. */
export interface Endpoints {
  readonly operation: "copyCheckpoint" | "copyStore"
  readonly source: Insides
  readonly target: Insides
}

/** @throws {CheckpointError} `CKPT_INVALID` unless both are stores, and two */
export function endpointsOf(operation: Endpoints["operation"], from: StoreOperations, to: StoreOperations): Endpoints {
  const endpoints = { operation, source: insidesOf(operation, "from", from), target: insidesOf(operation, "to", to) }
  if (from !== to) return endpoints
  throw new CheckpointError("CKPT_INVALID", `${operation}: from and to are the same store; give two.`)
}

const shape = { fields: { ...writeStateShape.fields, ...copyFields } }

/** @param turn see {@link CopyRequest} */
export function copyOne(
  { operation, source, target }: Endpoints,
  id: number,
  options: CopyOptions & OperationOptions & ProgressOptions,
  turn?: CopyRequest["turn"],
): Promise<Pick<Copied, "outcome"> & { readonly stateSize: number }> {
  return target.calls.write(operation, id, options, shape, async (trace) => {
    assertId("copyCheckpoint(from, to, id)", id, 1)
    const { clock, emit, saver } = target
    const { onProgress, signal } = options
    let started = clock.monotonic()
    const { calls, history } = source
    const { state, ...rest } = await calls.run(operation, id, { signal }, operationShape, async () => {
      const found = await original(history, id, signal)
      if (found !== undefined) return found
      const message = `checkpoint ${id} does not exist, so it cannot be copied.`
      throw new CheckpointError("CKPT_NOT_FOUND", message, history.place.manifest(id))
    })
    const stateSize = state?.size ?? 0
    // The target is given a stream, whose size it does not know.
    const told: typeof onProgress = onProgress && ((progress) => onProgress({ ...progress, bytesTotal: stateSize }))
    const from: Original = { ...rest, state: state && (() => state) }
    const done = await saver.copy(from, {
      ...options,
      onProgress: told,
      turn:
        turn &&
        (async () => {
          await turn()
          started = clock.monotonic()
        }),
    })
    trace.bytes = stateSize
    tellSaved(emit, { ...done, id, stateSize }, clock.monotonic() - started)
    return { outcome: done.outcome, stateSize }
  })
}
