/** What every operation takes: abort it, and it rejects with the signal's reason. */
export interface OperationOptions {
  signal?: AbortSignal | undefined
}

/** How far a long operation has come. */
export interface Progress {
  /** `write`: a state is written. `read`: it is handed over. `verify`: it is read to be checked. */
  readonly phase: "write" | "read" | "verify"
  /** Bytes of the state so far; never falls, but for a state that is read again or of the next checkpoint. */
  readonly bytesDone: number
  /** Absent while the size is not known (a stream). */
  readonly bytesTotal?: number
}

export interface ProgressOptions {
  /** Called now and then, at most once per chunk, and at the end. What it throws is ignored. */
  onProgress?: ((progress: Progress) => void) | undefined
}
