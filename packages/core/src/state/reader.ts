import { joinChunks } from "../bytes/chunks.js"
import type { OwnBytes } from "../bytes/own-bytes.js"
import { Digest } from "../bytes/sha256.js"
import { BackendError, CheckpointError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { digestPrefix } from "../format/manifest/state-checksum.js"
import { type ShapeOf, wholeNumber } from "../input/kinds.js"
import { operationShape, type ProgressOptions, progressFields } from "../options.js"
import { explain } from "../storage/explain.js"
import type { OpenedAhead } from "../storage/opened-ahead.js"
import type { Place } from "../storage/place.js"
import { type FoundManifest, ownsState, readManifest } from "../verify/read-manifest.js"
import { type OnRead, type StateSlice, sliceProgress } from "./progress.js"

/**
 * The bytes of a state, or of a part of it. Nothing is read before the first chunk is asked for, but what `readState` gives may
 * be open already: an iteration that begins at once saves a request. Each iteration reads from the start. An iteration rejects with `CKPT_CORRUPT` if the bytes do not verify, and with `CKPT_PRUNED` if
 * retention removed the checkpoint meanwhile. After `close()` of the store it rejects with `CKPT_CLOSED`, in the middle of
 * an iteration too.
 */
export interface StateReader extends AsyncIterable<Uint8Array> {
  /** Bytes. */
  readonly size: number
  /**
   * SHA-256 of these bytes, 64 lower-case hex digits, if it is known. Then the last chunk comes only after the checksum
   * matched.
   */
  readonly checksum?: string
  /** All bytes in one array. Rejects as an iteration does. */
  bytes(): Promise<OwnBytes>
}

/**
 * The options of `readState`. A read of the whole state is verified, a read of a part is not. Progress is told in the
 * phase `read`.
 */
export interface ReadStateOptions extends ProgressOptions {
  /** The first byte to read. Default 0. */
  offset?: number | undefined
  /** Bytes to read, at most. Default: up to the end of the state. */
  length?: number | undefined
  /** Its abort ends the reader too: the next chunk rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

export const readStateShape: ShapeOf<ReadStateOptions> = {
  fields: {
    ...operationShape.fields,
    ...progressFields,
    offset: wholeNumber(0, undefined, "a number of bytes"),
    length: wholeNumber(0, undefined, "a number of bytes"),
  },
}

/** The name of a reader's task, for the error of a closed store. */
export const reading = "reading a state"

/** The stored object has another size than its manifest says. */
class WrongSize extends Error {}

/** A place, and which of its checkpoints count. `History` is one. */
export interface CountingPlace {
  readonly place: Place
  /** True if a manifest that was just read counts. */
  counts(id: number, manifest: CheckpointManifest | undefined, signal: AbortSignal | undefined): Promise<boolean>
}

/** Reads a slice of a checkpoint's state. The last chunk is held back until the checksum of the slice matched. */
export class VerifiedReader implements StateReader {
  readonly size: number
  declare readonly checksum?: string
  readonly #place: Place
  readonly #history: CountingPlace
  readonly #id: number
  readonly #slice: StateSlice
  readonly #signal: AbortSignal | undefined
  readonly #onRead: OnRead
  /** The manifest that the state belongs to; `undefined` for a state that is read without a manifest. */
  readonly #owner: CheckpointManifest | undefined
  readonly #ahead: OpenedAhead | undefined

  /** @param ahead the whole state, opened before its manifest was read: for the first iteration, if that begins in time */
  constructor(
    history: CountingPlace,
    id: number,
    slice: StateSlice,
    signal: AbortSignal | undefined,
    onRead: OnRead,
    owner: CheckpointManifest | undefined,
    ahead?: OpenedAhead,
  ) {
    this.#place = history.place
    this.#history = history
    this.#owner = owner
    this.#ahead = ahead
    this.#id = id
    this.#slice = slice
    this.#signal = signal
    this.#onRead = onRead
    this.size = slice.size
    if (slice.checksum !== undefined) this.checksum = slice.checksum
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array, void, void> {
    return this.#place.gate.steps(reading, this.#chunks())
  }

  async *#chunks(): AsyncGenerator<Uint8Array, void, void> {
    const { offset, size, checksum, whole, prefix } = this.#slice
    // An external operator of no bytes, in a checkpoint that has no state to read it from. Verification compared its checksum.
    if (size === 0 && this.#owner !== undefined && ownsState(this.#owner) === false) return
    const key = this.#place.layout.stateKey(this.#id)
    const digest = checksum === undefined ? undefined : new Digest(prefix)
    let held: Uint8Array | undefined
    let stored = offset + size
    let seen = 0
    const ahead = this.#ahead?.take()
    const stream =
      ahead ??
      this.#place.storage.stream(key, {
        offset,
        // A whole state is read to the end of its object, so that an object that grew is noticed.
        ...(whole ? {} : { length: size }),
        signal: this.#signal,
        onOpen: (meta) => {
          stored = meta.size
          if (whole && stored !== size) throw new WrongSize()
        },
      })
    try {
      for (;;) {
        const step = await stream.next()
        if (step.done) {
          if (step.value === "gone") throw await this.#damaged("is missing")
          break
        }
        digest?.update(step.value)
        seen += step.value.length
        if (held !== undefined) {
          this.#onRead(this.#slice, seen - step.value.length)
          yield held
        }
        held = step.value
      }
    } catch (error) {
      // Also where the same bytes were written again, which gives them another version: a move to another storage class does.
      const isAnother = error instanceof BackendError && error.kind === "precondition"
      throw await (isAnother && checksum !== undefined
        ? this.#mismatch(checksum, undefined, true)
        : this.#explain(error, stored))
    } finally {
      await stream.return("complete")
    }
    if (seen !== size) throw await this.#damaged(`gave ${seen} bytes at ${offset}, ${size} were expected`)
    if (checksum !== undefined && digest?.has(checksum) === false) {
      throw await this.#mismatch(checksum, digest.hex(), ahead !== undefined)
    }
    this.#onRead(this.#slice, size)
    if (held !== undefined) yield held
  }

  bytes(): Promise<OwnBytes> {
    return this.#place.gate.run(reading, async () => {
      const chunks: Uint8Array[] = []
      for await (const chunk of this.#chunks()) chunks.push(chunk)
      return joinChunks(chunks, this.size)
    })
  }

  /**
   * The error for bytes that are missing or wrong. It is `CKPT_CORRUPT` if the manifest of this reader is there, and counts. Otherwise the
   * checkpoint was pruned meanwhile, `CKPT_PRUNED`: the manifest is gone, or another has its place, or a late request has put it back.
   */
  async #damaged(problem: string): Promise<CheckpointError> {
    let isThere: boolean
    try {
      const found = await readManifest(this.#place, this.#id, this.#signal)
      isThere = found !== undefined && !this.#isReplacedBy(found) && (await this.#mayCount(found))
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      return explain(this.#place.backend, "readState", this.#id, error)
    }
    if (isThere) {
      const message = `state of checkpoint ${this.#id} ${problem}. Use recover() to go on from the latest one that verifies.`
      return new CheckpointError("CKPT_CORRUPT", message, this.#place.state(this.#id))
    }
    const message = `checkpoint ${this.#id} was pruned while it was read. Call recover() again.`
    return new CheckpointError("CKPT_PRUNED", message, this.#place.state(this.#id))
  }

  #isReplacedBy({ manifest }: FoundManifest): boolean {
    const owner = this.#owner
    return owner !== undefined && manifest !== undefined && manifest.stateChecksum !== owner.stateChecksum
  }

  /** A state that is read without an owner was never said to count. */
  async #mayCount({ manifest }: FoundManifest): Promise<boolean> {
    return this.#owner === undefined || this.#history.counts(this.#id, manifest, this.#signal)
  }

  /**
   * The error for bytes that are not those of the manifest. They may have been damaged on their way; and what was opened before
   * the manifest was read may be the state of an earlier checkpoint, or was replaced by the one that is there now.
   */
  async #mismatch(expected: string, actual = "another version", wasAhead = false): Promise<unknown> {
    const { storage, layout } = this.#place
    const key = layout.stateKey(this.#id)
    try {
      if (await storage.hasChecksum(key, expected, this.#slice, this.#signal, wasAhead)) {
        const error = new BackendError(
          "transient",
          `the bytes of ${key} were damaged on their way, or replaced meanwhile`,
        )
        return explain(this.#place.backend, "readState", this.#id, error)
      }
    } catch (error) {
      return this.#explain(error, this.#slice.size)
    }
    return this.#damaged(`checksum mismatch: expected ${expected}, got ${actual}`)
  }

  /**
   * The storage's own checksum of the bytes did not match. If a second reading matches, they were damaged in transit.
   */
  async #readAgain(error: BackendError, stored: number): Promise<unknown> {
    const { storage, layout } = this.#place
    const { offset, size, whole } = this.#slice
    try {
      const range = whole ? {} : { offset, length: size }
      await storage.digest(layout.stateKey(this.#id), { ...range, inOneBody: true, signal: this.#signal })
    } catch (failure) {
      return this.#explain(failure, stored)
    }
    return explain(this.#place.backend, "readState", this.#id, error)
  }

  async #explain(error: unknown, stored: number): Promise<unknown> {
    if (error instanceof WrongSize) return this.#damaged(`has ${stored} bytes, the manifest says ${this.#slice.size}`)
    if (!(error instanceof BackendError)) return error
    if (error.kind === "damaged") return this.#damaged(`cannot be read: ${error.message}`)
    if (error.checksumMismatch) return this.#readAgain(error, stored)
    if (error.kind !== "precondition") return explain(this.#place.backend, "readState", this.#id, error)
    const { offset, size } = this.#slice
    return this.#damaged(`changed while it was read, or ends before byte ${offset + size} (it has ${stored})`)
  }
}

/**
 * The part of a state that the options ask for, cut at the state's end.
 *
 * @param owner the manifest that names the state's checksum
 * @throws {CheckpointError} `CKPT_INVALID` if `offset` is past the end
 */
export function stateSlice(
  size: number,
  owner: CheckpointManifest | undefined,
  options: ReadStateOptions = {},
): StateSlice {
  const { offset = 0, length } = options
  if (offset > size) {
    throw new CheckpointError("CKPT_INVALID", `offset ${offset} is past the end of the state, which has ${size} bytes.`)
  }
  const end = length === undefined ? size : Math.min(size, offset + length)
  const whole = offset === 0 && end === size
  const checksum = whole ? (owner?.stateChecksum ?? undefined) : undefined
  const prefix = whole && owner !== undefined ? digestPrefix(owner) : undefined
  return { offset, size: end - offset, checksum, whole, ...(prefix === undefined ? {} : { prefix }) }
}

export function openState(
  history: CountingPlace,
  id: number,
  slice: StateSlice,
  { signal, onProgress }: Pick<ReadStateOptions, "signal" | "onProgress">,
  owner: CheckpointManifest | undefined,
  ahead: OpenedAhead | undefined,
): StateReader {
  return new VerifiedReader(history, id, slice, signal, sliceProgress(onProgress), owner, ahead)
}
