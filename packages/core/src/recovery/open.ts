import { CheckpointError } from "../errors.js"
import { type History, maxRounds, restless } from "../history/history.js"
import { ids } from "../history/list.js"
import { pinsOf } from "../history/view.js"
import { didYouMean } from "../input/check-options.js"
import { aString, type ShapeOf } from "../input/kinds.js"
import { listed, quote, sentence } from "../input/show.js"
import { type OperationOptions, operationShape, type ProgressOptions, progressFields } from "../options.js"
import { type Checkpoint, openCheckpoint } from "../state/checkpoint.js"
import { aDepth, type VerifyDepth } from "../verify/verified.js"
import { damaged } from "./load.js"
import { markSeen } from "./mark-seen.js"

/** Which checkpoint `open` opens: by its id, or by the name of a pin. */
export type CheckpointChoice = number | PinChoice

/** A checkpoint by the name of a pin. */
export interface PinChoice {
  /** The name, as `pin(id, name)` was given it. */
  readonly pin: string
}

export const pinChoiceShape: ShapeOf<PinChoice> = { fields: { pin: aString }, example: 'an id, or { pin: "name" }' }

/** The options of `open`. Progress is told in the phase `read` when you read, and in `verify` if `depth` is `"deep"`. */
export interface OpenCheckpointOptions extends OperationOptions, ProgressOptions {
  /** `"shallow"` (default): each byte is verified when you read it. `"deep"`: the whole state is read, too, before the call resolves. */
  depth?: VerifyDepth | undefined
}

export const openCheckpointShape: ShapeOf<OpenCheckpointOptions> = {
  fields: { ...operationShape.fields, ...progressFields, depth: aDepth },
}

/**
 * One checkpoint, verified. The manifest is read first, then the history, which judges it.
 *
 * @throws {CheckpointError} `CKPT_NOT_FOUND` with what there is, `CKPT_CORRUPT` if it does not verify
 */
export async function open(
  history: History,
  which: CheckpointChoice,
  { depth = "shallow", signal, onProgress }: OpenCheckpointOptions,
): Promise<Checkpoint> {
  const { place, verifier, emit } = history
  for (let round = 1; round <= maxRounds; round++) {
    const id = typeof which === "number" ? which : await pinned(history, which.pin, signal)
    const found = await verifier.verify(id, { depth, signal, onProgress })
    if (found.gone || !(await history.counts(id, found.manifest, signal))) {
      if (typeof which === "number") throw await noCheckpoint(history, id, signal)
      // Unpinned and removed since, or lost under its pin.
      if ((await pinned(history, which.pin, signal)) !== id) continue
      throw damaged(history, id, found.issues)
    }
    if (!found.valid || found.manifest === undefined) throw damaged(history, id, found.issues)
    // As for `recover`: an update that an older writer has under way must not reach what a leader goes on from.
    const manifest =
      history.lead === undefined
        ? found.manifest
        : await markSeen(history, found.manifest, found.manifestMeta?.version, signal)
    if (manifest === "again") continue
    if ("length" in manifest) throw damaged(history, id, manifest)
    if (found.issues.length > 0) emit({ type: "manifest-warnings", id, issues: found.issues })
    return openCheckpoint(history, manifest, { stateMeta: found.stateMeta, onProgress })
  }
  throw restless(place)
}

/** The checkpoint that has this pin. */
async function pinned(history: History, name: string, signal: AbortSignal | undefined): Promise<number> {
  const { record } = await history.current(signal)
  const id = record.pins.get(name)
  if (id !== undefined) return id
  const known = [...new Set(pinsOf(record).map((pin) => pin.name))]
  const message = `open: no pin is called ${quote(name)}`
  const instead = known.length === 0 ? ". No checkpoint is pinned" : didYouMean(name, known)
  const details = { backend: history.place.backend, key: history.file.key }
  throw new CheckpointError("CKPT_NOT_FOUND", sentence(message + instead), details)
}

const shownIds = 20

async function noCheckpoint(history: History, id: number, signal: AbortSignal | undefined): Promise<CheckpointError> {
  const all = await ids(history, signal)
  const latest = all.slice(-shownIds).map(String)
  const there =
    all.length === 0
      ? "None is there"
      : `${all.length > shownIds ? `The latest ${shownIds} of ${all.length} are` : all.length === 1 ? "The only id is" : "The ids are"} ${listed(latest)}`
  const message = `open: checkpoint ${id} does not exist. ${sentence(there)}`
  return new CheckpointError("CKPT_NOT_FOUND", message, history.place.manifest(id))
}
