import type { Original } from "../commit/copy.js"
import { CheckpointError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import {
  type OperationOptions,
  operationShape,
  type Progress,
  type ProgressOptions,
  writeStateShape,
} from "../options.js"
import { original } from "../recovery/original.js"
import type { StoreOperations } from "./api.js"
import { assertId } from "./arguments.js"
import { type Insides, insidesOf } from "./insides.js"

/** The answer of `copyCheckpoint`. */
export interface CopyReceipt {
  /** The checkpoint, in both stores. */
  readonly id: number
  /** `existed`: the same checkpoint was there already, and its state was not read again. */
  readonly outcome: "created" | "existed"
  /** Bytes of its state. */
  readonly stateSize: number
}

/**
 * Copies one checkpoint into another store, under the same id: the same bytes of manifest and state. The state is verified while it
 * is copied, by its checksum; the checksums of operators are kept. Only the marks of claims are left out of the manifest:
 * `writer`, `seen`, and `update_token` beside them.
 *
 * A copy that is there already is `existed`, so an interrupted copy is simply made again. If a sink of the checkpoint has committed
 * since, that is recorded in the copy. Retention of `to` is applied by its next save.
 *
 * @throws {CheckpointError} the codes of a call that writes; `CKPT_INVALID` too if an argument is no store, or both are the same;
 *   `CKPT_NOT_FOUND` if `from` has no such checkpoint; `CKPT_CORRUPT` if it does not verify; `CKPT_PRUNED` if retention removed it
 *   meanwhile; `CKPT_CONFLICT` if the id has other content in `to`, or is used up there: nothing is overwritten
 */
export async function copyCheckpoint(
  from: StoreOperations,
  to: StoreOperations,
  id: number,
  options: OperationOptions & ProgressOptions = {},
): Promise<CopyReceipt> {
  const { outcome, stateSize } = await copyOne(copying("copyCheckpoint", from, to), id, options)
  return { id, outcome, stateSize }
}

/** The two stores of a copy. */
export interface Ways {
  readonly source: Insides
  readonly target: Insides
}

/** @throws {CheckpointError} `CKPT_INVALID` unless both are stores, and two */
export function copying(what: string, from: StoreOperations, to: StoreOperations): Ways {
  const ways = { source: insidesOf(what, "from", from), target: insidesOf(what, "to", to) }
  if (from !== to) return ways
  throw new CheckpointError("CKPT_INVALID", `${what}: from and to are the same store; give two.`)
}

/** A checkpoint that was copied. */
export interface Copied {
  /** The manifest of the copy. */
  readonly manifest: CheckpointManifest
  readonly outcome: "created" | "existed"
  /** Bytes of its state. */
  readonly stateSize: number
}

/** @param blame is called with each error that the source is to blame for */
export function copyOne(
  { source, target }: Ways,
  id: number,
  options: OperationOptions & ProgressOptions,
  blame: (error: unknown) => void = () => {},
): Promise<Copied> {
  return target.calls.write("copy", id, options, writeStateShape, async (trace) => {
    assertId(id, 1)
    const started = target.clock.monotonic()
    const found = await read(source, id, options, blame)
    const { stateSize } = found
    const { signal, onProgress } = options
    // The target is given a stream, whose size it does not know.
    const told = onProgress && ((progress: Progress) => onProgress({ ...progress, bytesTotal: stateSize }))
    const { outcome, isLatest, latest, manifest } = await target.saver.copy(found, { signal, onProgress: told })
    trace.bytes = stateSize
    const elapsedMs = target.clock.monotonic() - started
    target.emit({ type: "saved", id, outcome, isLatest, stateSize, elapsedMs })
    if (latest > id) target.emit({ type: "pointer-superseded", id, current: latest })
    return { manifest, outcome, stateSize }
  })
}

/** The checkpoint in the store that it is copied from. */
async function read(
  { calls, history }: Insides,
  id: number,
  { signal }: OperationOptions,
  blame: (error: unknown) => void,
): Promise<Original & { readonly stateSize: number }> {
  try {
    const found = await calls.run("copy", id, { signal }, operationShape, () => original(history, id, signal))
    if (found === undefined) {
      const message = `checkpoint ${id} does not exist, so it cannot be copied.`
      throw new CheckpointError("CKPT_NOT_FOUND", message, history.place.manifest(id))
    }
    const { state, ...rest } = found
    if (state === undefined) return { ...rest, state: undefined, stateSize: 0 }
    async function* chunks() {
      try {
        yield* state as AsyncIterable<Uint8Array>
      } catch (error) {
        blame(error)
        throw error
      }
    }
    return { ...rest, state: chunks, stateSize: state.size }
  } catch (error) {
    blame(error)
    throw error
  }
}
