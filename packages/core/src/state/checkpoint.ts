import type { OwnBytes } from "../bytes/own-bytes.js"
import type { OnProgress } from "../bytes/progress.js"
import { CheckpointError } from "../errors.js"
import { decodeInline } from "../format/manifest/inline.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { byUtf8 } from "../format/utf8-order.js"
import { didYouMean } from "../input/check-options.js"
import { quote, sentence, show, shown } from "../input/show.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Place } from "../storage/place.js"
import { ownsState } from "../verify/read-manifest.js"
import { checksumsIn } from "./operator-checksums.js"
import { type OnRead, stateProgress } from "./progress.js"
import { type CountingPlace, reading, type StateReader, stateSlice, VerifiedReader } from "./reader.js"

/** A recovered checkpoint. Its bytes are read, and verified, when you ask for them. */
export interface Checkpoint {
  /** Its number. */
  readonly id: number
  /** Its manifest, verified. */
  readonly manifest: CheckpointManifest
  /**
   * The whole `state.bin`, to be streamed or read at once; `undefined` if the checkpoint has no state. Nothing is read before you read.
   *
   * @throws {CheckpointError} the codes of every call
   */
  state(): Promise<StateReader | undefined>
  /** The names of the operators that `operator` and `operatorStream` read, in the order of their UTF-8 bytes. */
  readonly operators: readonly string[]
  /**
   * The bytes of one operator's state, verified; none if the manifest names the operator without a state. Only these bytes are read.
   * Exception: if the manifest has a checksum of the whole state but none of this operator, the whole state is read once, before the
   * first such operator.
   *
   * @throws {CheckpointError} `CKPT_NOT_FOUND`, with the names that there are, if there is no such operator; else as a
   *   {@link StateReader}
   */
  operator(name: string): Promise<OwnBytes>
  /**
   * Like `operator`, to be streamed.
   *
   * @throws {CheckpointError} as `operator`; the codes about the bytes come while they are read
   */
  operatorStream(name: string): Promise<StateReader>
  /**
   * A state that was saved as `json(value)`: of the operator of this name, or, without a name, the whole state.
   *
   * @throws {CheckpointError} as `operator`; `CKPT_NOT_FOUND` too if there is no state; `CKPT_INVALID` if its bytes verify and are no
   *   JSON
   */
  json<T = unknown>(name?: string): Promise<T>
}

export interface CheckpointOptions {
  /** The stored state, for a manifest that does not say its size. */
  readonly stateMeta: ObjectMeta | undefined
  /** Called, in the phase `read`, for all bytes of the state that the checkpoint's readers hand over. */
  readonly onProgress?: OnProgress | undefined
  /** Its abort ends the checkpoint's readers. */
  readonly signal?: AbortSignal | undefined
}

/** A checkpoint whose manifest is known. */
export function openCheckpoint(
  history: CountingPlace,
  manifest: CheckpointManifest,
  { stateMeta, onProgress, signal }: CheckpointOptions,
): Checkpoint {
  const { place } = history
  const id = manifest.checkpointId
  const stateSize = manifest.stateSize ?? stateMeta?.size ?? 0
  const onRead = stateProgress(onProgress, stateSize)
  const whole = (told: OnRead) => {
    const slice = stateSlice(stateSize, manifest)
    return new VerifiedReader(history, id, slice, signal, told, manifest)
  }

  let derived: Promise<ReadonlyMap<string, string>> | undefined
  /** The checksum of an operator for which the manifest has none: computed from the whole state, if that verifies. */
  const derivedChecksum = async (name: string): Promise<string | undefined> => {
    if (manifest.stateChecksum === null) return undefined
    derived ??= checksumsIn(
      whole(() => {}),
      manifest.operatorStates,
    )
    // A failure is not remembered: the next caller reads the state again.
    derived.catch(() => {
      derived = undefined
    })
    return (await derived).get(name)
  }

  const operatorStream = async (name: string): Promise<StateReader> => {
    const operator = Object.hasOwn(manifest.operatorStates, name) ? manifest.operatorStates[name] : undefined
    if (operator === undefined) throw noOperator(place, manifest, name)
    if (!operator.external)
      return new InlineReader(place, operator.stateB64 === null ? new Uint8Array() : decodeInline(operator))
    const { externalOffset: offset, externalLength: size } = operator
    const checksums = manifest.operatorChecksums
    const named = checksums !== undefined && Object.hasOwn(checksums, name) ? checksums[name] : undefined
    const checksum = named ?? (await derivedChecksum(name))
    return new VerifiedReader(history, id, { offset, size, checksum, whole: false }, signal, onRead, manifest)
  }
  const state = async () => {
    const owns = ownsState(manifest)
    return owns === true || (owns === undefined && stateMeta !== undefined) ? whole(onRead) : undefined
  }
  return {
    id,
    manifest,
    state,
    get operators() {
      return operatorNames(manifest)
    },
    operatorStream,
    operator: async (name) => (await operatorStream(name)).bytes(),
    json: <T>(name?: string) => readJson<T>({ id, manifest, state, operatorStream }, name, place),
  }
}

/** The value whose JSON a state is; see {@link Checkpoint.json}. */
export async function readJson<T>(
  checkpoint: Pick<Checkpoint, "id" | "manifest" | "state" | "operatorStream">,
  name: string | undefined,
  place: Place,
): Promise<T> {
  const { id, manifest } = checkpoint
  const details = place.state(id)
  const reader = name === undefined ? await checkpoint.state() : await checkpoint.operatorStream(name)
  if (reader === undefined) {
    const names = operatorNames(manifest)
    const advice = names.length === 0 ? "" : ` It has operators: give json() one of ${shown(names.map(quote))}.`
    throw new CheckpointError("CKPT_NOT_FOUND", `checkpoint ${id} has no state.${advice}`, details)
  }
  const bytes = await reader.bytes()
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as T
  } catch (cause) {
    const what = name === undefined ? `the state of checkpoint ${id}` : `operator ${quote(name)} of checkpoint ${id}`
    const message = `${what} verifies, and is no JSON: it was not saved as json(value). Read its bytes.`
    throw new CheckpointError("CKPT_INVALID", message, { ...details, cause })
  }
}

function operatorNames({ operatorStates }: CheckpointManifest): string[] {
  return Object.keys(operatorStates).sort(byUtf8)
}

/** `undefined` would read as a first start, and the job would begin that operator anew. */
function noOperator(place: Place, manifest: CheckpointManifest, name: string): CheckpointError {
  const { checkpointId: id } = manifest
  const names = operatorNames(manifest)
  const instead = names.length === 0 ? ". It has none: its state is read by state()" : didYouMean(String(name), names)
  const wanted = typeof name === "string" ? quote(name) : show(name)
  const message = sentence(`checkpoint ${id} has no operator ${wanted}${instead}`)
  // Where none is near, the names have been told.
  const all = message.endsWith("?") && names.length > 1 ? ` All names: ${shown(names.map(quote))}.` : ""
  return new CheckpointError("CKPT_NOT_FOUND", message + all, place.manifest(id))
}

class InlineReader implements StateReader {
  readonly size: number
  readonly #place: Place
  readonly #bytes: OwnBytes

  constructor(place: Place, bytes: OwnBytes) {
    this.#place = place
    this.#bytes = bytes
    this.size = bytes.length
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array, void, void> {
    return this.#place.gate.steps(reading, this.#chunks())
  }

  async *#chunks(): AsyncGenerator<Uint8Array, void, void> {
    if (this.size > 0) yield this.#bytes
  }

  bytes(): Promise<OwnBytes> {
    return this.#place.gate.run(reading, async () => this.#bytes)
  }
}
