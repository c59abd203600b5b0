import type { OnProgress } from "../bytes/progress.js"
import { decodeInline } from "../format/manifest/inline.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { ObjectMeta } from "../storage/backend.js"
import type { Place } from "../storage/place.js"
import { ownsState } from "../verify/read-manifest.js"
import { checksumsIn } from "./operator-checksums.js"
import { type OnRead, stateProgress } from "./progress.js"
import { type StateReader, stateSlice, VerifiedReader } from "./reader.js"

/** A recovered checkpoint. Its bytes are read when they are asked for, and verified then. */
export interface Checkpoint {
  readonly id: number
  readonly manifest: CheckpointManifest
  /** The whole `state.bin`; `undefined` if the checkpoint has none. */
  state(): Promise<StateReader | undefined>
  /**
   * One operator's state, verified; `undefined` if there is no such operator. Only its own bytes are read, unless the
   * manifest has a checksum of the whole state alone (an older one): then the whole is read once before the first.
   */
  operator(name: string): Promise<Uint8Array | undefined>
  operatorStream(name: string): Promise<StateReader | undefined>
}

export interface CheckpointOptions {
  /** The state as it was found, for manifests that do not say its size. */
  readonly stateMeta: ObjectMeta | undefined
  /** Told in the phase `read` of all bytes of the state that its readers hand over. */
  readonly onProgress?: OnProgress | undefined
  /** Ends what its readers read. */
  readonly signal?: AbortSignal | undefined
}

/** A checkpoint over its manifest. */
export function openCheckpoint(
  place: Place,
  manifest: CheckpointManifest,
  { stateMeta, onProgress, signal }: CheckpointOptions,
): Checkpoint {
  const id = manifest.checkpointId
  const stateSize = manifest.stateSize ?? stateMeta?.size ?? 0
  const onRead = stateProgress(onProgress, stateSize)
  const whole = (told: OnRead) => {
    const slice = stateSlice(stateSize, manifest.stateChecksum ?? undefined)
    return new VerifiedReader(place, id, slice, signal, told, manifest)
  }

  let derived: Promise<ReadonlyMap<string, string>> | undefined
  /** Of an operator whose manifest names none: from the whole state, once it verified. */
  const derivedChecksum = async (name: string): Promise<string | undefined> => {
    if (manifest.stateChecksum === null) return undefined
    derived ??= checksumsIn(
      whole(() => {}),
      manifest.operatorStates,
    )
    // One that failed is no answer for the next one who asks.
    derived.catch(() => {
      derived = undefined
    })
    return (await derived).get(name)
  }

  const operatorStream = async (name: string): Promise<StateReader | undefined> => {
    const operator = Object.hasOwn(manifest.operatorStates, name) ? manifest.operatorStates[name] : undefined
    if (operator === undefined) return undefined
    if (!operator.external) return operator.stateB64 === null ? undefined : new InlineReader(decodeInline(operator))
    const { externalOffset: offset, externalLength: size } = operator
    const checksums = manifest.operatorChecksums
    const named = checksums !== undefined && Object.hasOwn(checksums, name) ? checksums[name] : undefined
    const checksum = named ?? (await derivedChecksum(name))
    return new VerifiedReader(place, id, { offset, size, checksum, whole: false }, signal, onRead, manifest)
  }
  return {
    id,
    manifest,
    state: async () => {
      const owns = ownsState(manifest)
      return owns === true || (owns === undefined && stateMeta !== undefined) ? whole(onRead) : undefined
    },
    operatorStream,
    operator: async (name) => (await operatorStream(name))?.bytes(),
  }
}

class InlineReader implements StateReader {
  readonly size: number
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.size = bytes.length
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    if (this.size > 0) yield this.#bytes
  }

  async bytes(): Promise<Uint8Array> {
    return this.#bytes
  }
}
