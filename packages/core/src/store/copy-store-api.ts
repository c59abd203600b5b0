import { type CopyOptions, copyFields } from "../commit/copy.js"
import type { CheckpointError } from "../errors.js"
import { aFunction, group, milliseconds, type ShapeOf, wholeNumber } from "../input/kinds.js"
import { show } from "../input/show.js"
import { type OperationOptions, operationShape } from "../options.js"

/** How far `copyStore` has come with one checkpoint. Several may be told of in turns, see `concurrency`. */
export interface CopyProgress {
  /** The checkpoint. */
  readonly id: number
  /** Checkpoints of this round that are done, this one not counted until its bytes are. */
  readonly done: number
  /** Checkpoints of this round. */
  readonly total: number
  /** Bytes of its state that were written so far; with `depth: "deep"` also those of the copy that are read first. */
  readonly bytesDone: number
  /** Bytes of its state. */
  readonly bytesTotal: number
}

/** What `copyStore` passed over. */
export interface CopySkipped {
  /** The checkpoint. */
  readonly id: number
  /** The name of the pin, if the checkpoint was copied, and this pin of it was not made. */
  readonly pin?: string
  /** Why, and what to do. */
  readonly error: CheckpointError
}

/** The options of `copyStore`. */
export interface CopyStoreOptions extends CopyOptions, OperationOptions {
  /** The checkpoints to copy. One that is damaged or not there rejects. Default: all; damaged ones are in `skipped`. */
  ids?: readonly number[] | undefined
  /**
   * Also make the pins of the copied checkpoints. A pin that moved to another checkpoint moves in the copy too, if this call made it, or
   * found it as it was; with `"move"`, whoever made it. Default true.
   */
  pins?: boolean | "move" | undefined
  /**
   * Checkpoints that are looked at together, from 1 to 64; default 4. They are written one after the other, ascending, so that a copy
   * that breaks off lacks the latest alone. The manifest of each is in memory, 64 MiB at the very most; with `depth: "deep"` so are the
   * chunks of a state that is read.
   */
  concurrency?: number | undefined
  /**
   * Go on with each checkpoint that is saved later, and look every `everyMs` milliseconds, until the signal is aborted: then the call
   * rejects with its reason. A checkpoint whose manifest or state changed since the last look is looked at again: a sink has committed, or
   * damage was mended. Not together with `ids`. Default: one round.
   */
  follow?:
    | {
        /** Milliseconds from the end of one round to the next. */
        everyMs: number
      }
    | undefined
  /** Called for each chunk that was written, and once for each checkpoint that is done. Its errors are ignored. */
  onProgress?: ((progress: CopyProgress) => void) | undefined
  /** Called with what is passed over, at once; with `follow` this is where it is told. Its errors are ignored. */
  onSkipped?: ((skipped: CopySkipped) => void) | undefined
}

/** The answer of `copyStore`. All ids ascending. A store without checkpoints gives empty lists. */
export interface CopyReport {
  /** The checkpoints that were copied now. */
  readonly copied: readonly number[]
  /** Those that were there already. */
  readonly existed: readonly number[]
  /** Those that were there, damaged, and were written anew; see `replaceDamaged`. */
  readonly replaced: readonly number[]
  /**
   * Those that are damaged in `from` or `to`, were lost or removed meanwhile, or were removed by retention of `to`; then the pins that
   * were not made. Each with the reason.
   */
  readonly skipped: readonly CopySkipped[]
}

const aPinChoice = {
  fits: (value: unknown) => typeof value === "boolean" || value === "move",
  give: 'true, false or "move"',
}

const isId = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1

const anyIds = {
  fits: (value: unknown) => Array.isArray(value) && value.every(isId),
  give: (value: unknown) => {
    const wrong = Array.isArray(value) ? `; one of these is ${show(value.find((id) => !isId(id)))}` : ""
    return `an array of ids, which are whole numbers from 1${wrong}`
  },
}

/** The kinds of {@link CopyStoreOptions}. */
export const copyStoreShape: ShapeOf<CopyStoreOptions> = {
  fields: {
    ...operationShape.fields,
    ...copyFields,
    ids: anyIds,
    pins: aPinChoice,
    concurrency: wholeNumber(1, 64),
    follow: group({ fields: { everyMs: milliseconds(1) }, example: "an object such as { everyMs: 1_000 }" }),
    onProgress: aFunction,
    onSkipped: aFunction,
  },
}
