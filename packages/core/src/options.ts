import { aFunction, aSignal, type ShapeOf } from "./input/kinds.js"

/** The options of every operation. */
export interface OperationOptions {
  /** When it is aborted, the operation rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** How far a long operation has come. */
export interface Progress {
  /** `write`: a state is written. `read`: a state is handed over to you. `verify`: a state is read to be verified. */
  readonly phase: "write" | "read" | "verify"
  /** Bytes of the state so far. Begins again from 0 only if a state is read again, or the next checkpoint's is read. */
  readonly bytesDone: number
  /** Bytes of the whole state. Absent while the size is not known, as of a stream. */
  readonly bytesTotal?: number
}

/** The option of every operation that writes or reads a state. */
export interface ProgressOptions {
  /** Called at most once for each chunk, and at the end. Its errors are ignored. */
  onProgress?: ((progress: Progress) => void) | undefined
}

/** The kinds of {@link OperationOptions}. */
export const operationShape = { fields: { signal: aSignal } } as const satisfies ShapeOf<OperationOptions>

/** The kinds of {@link ProgressOptions}. */
export const progressFields = { onProgress: aFunction } as const satisfies ShapeOf<ProgressOptions>["fields"]

/** The kinds of the options of `writeState`. */
export const writeStateShape = {
  fields: { ...operationShape.fields, ...progressFields },
} as const satisfies ShapeOf<OperationOptions & ProgressOptions>
