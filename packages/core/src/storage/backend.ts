/**
 * The backend SPI: what a storage must do to hold checkpoints.
 *
 * An adapter translates key, bytes, condition, error and abort, and nothing else. Ids, JSON, ordering, conflicts,
 * the pointer, retention, recovery, retries and time-outs live once, in core. Input is clean when it arrives here:
 * keys are non-empty, relative, "/"-separated, without "." or ".." segments, control characters or backslashes.
 *
 * Every rejection is a `BackendError`, or the reason of the signal that was aborted.
 */

import type { BackendError } from "../errors.js"

/**
 * Bytes to write: an array may be read again for a retry; an iterable is read once, to its end or to the first failure.
 * A chunk of an iterable may be used again by its source when the next one is asked for, unless it `isStable`, or has
 * `recycle`: then it stays until it is given back.
 */
export type Body = readonly Uint8Array[] | ByteIterable

export interface ByteIterable extends AsyncIterable<Uint8Array> {
  /** Chunks stay as they are until the put settles, so that they can be sent without a copy. */
  readonly isStable?: boolean
  /** May be called with a chunk that is not needed any more: its memory is used again, which saves much. */
  recycle?(chunk: Uint8Array): void
}

export interface RequestOptions {
  /** Ends the request and what it holds (sockets, handles, temporary files); the call rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
}

export interface PutOptions extends RequestOptions {
  /**
   * `"absent"`: write only if nothing is at the key; among racing creators exactly one wins. Mandatory for every backend,
   * also at the completion of a multipart upload. `{ version }`: write only if the object still has this version; where
   * `capabilities.compareAndSwap` is `"process"` this must hold at least among all callers of this process.
   * A condition that does not hold is `precondition`, and what it found is durable.
   */
  when?: "absent" | { readonly version: string } | undefined
  /** The number of bytes of `body`, where known beforehand. */
  size?: number | undefined
  /**
   * Core's retry, for requests that carry bytes of an iterable, above all the parts of a long upload:
   * `await options.attempt((signal) => sendPart(part, signal), part.length)`. Wrap each in it, so that a body that can be
   * read only once is never asked for twice. `bytes` is how many of them the request carries: its time-out is longer by a
   * second for each 128 KiB, so that a slow line is not taken for a dead one.
   */
  attempt?: (<T>(one: (signal: AbortSignal) => Promise<T>, bytes?: number) => Promise<T>) | undefined
  /**
   * Send the body the way one too long for a single request is sent, however short it is. Core's check of the storage
   * before a store's first write asks for it; where there is only one way, it changes nothing.
   */
  inParts?: boolean | undefined
}

export interface GetOptions extends RequestOptions {
  /** Bytes from `offset`, cut at the end of the object. An offset past the end is `precondition`; at the end it is empty. */
  range?: { readonly offset: number; readonly length?: number | undefined } | undefined
  /** Read only this version; another one is `precondition`. */
  ifVersion?: string | undefined
}

export interface ObjectMeta {
  readonly key: string
  /** Bytes of the whole object, also when a range of it was asked for. */
  readonly size: number
  /** Opaque; changes whenever the content changes. Equal content may have equal versions (a content hash). */
  readonly version: string
  /** By the storage's clock. */
  readonly lastModified: Date
}

export interface ObjectContent {
  readonly meta: ObjectMeta
  /**
   * The bytes asked for, read once. Rejects if the storage delivers fewer bytes than it promised: a short body is never
   * a success. Whoever gets a content either reads it to its end or calls `return()` on its iterator.
   */
  readonly body: AsyncIterable<Uint8Array>
  /**
   * Gives the memory of a chunk back, to be read into again: from a reader that will not look at it any more, and has
   * given it to nobody.
   */
  recycle?(chunk: Uint8Array): void
}

export interface DeleteFailure {
  readonly key: string
  readonly error: BackendError
}

/** Something that `list` cannot show: an unfinished multipart upload, a staging directory, a temporary file. */
export interface Leftover {
  readonly name: string
  /** When it was started, by the storage's clock. */
  readonly since: Date
  /** Present if it should have been removed and could not be. */
  readonly error?: BackendError
}

export interface CommitBatch {
  /** Objects to create, all or none. Bodies are consumed in order; a function is called after the bodies before it. */
  readonly create: readonly { readonly key: string; readonly body: Body | (() => Body) }[]
  /**
   * Decided on the current pointer inside the backend's critical section, so it may be called more than once and must
   * depend on its argument alone. `undefined` leaves the pointer as it is.
   */
  readonly pointer?: {
    readonly key: string
    decide(current: { readonly version: string; readonly bytes: Uint8Array } | undefined): Uint8Array | undefined
  }
}

/** The storage under a claim. */
export interface BackendClaim {
  /** The same storage as its one writer uses it. Disposing it gives the claim up. */
  readonly backend: ObjectBackend
  /** Higher than that of every claim before it. */
  readonly epoch: number
}

export interface ObjectBackend extends AsyncDisposable {
  /** For messages and events: "fs", "s3", … */
  readonly name: string
  readonly capabilities: {
    /**
     * Among whom `when: { version }` holds. `"storage"`: all processes, since the storage itself compares. `"process"`: the
     * callers of this process.
     */
    readonly compareAndSwap: "storage" | "process"
    /** The most keys that one `delete` takes in one request. Core never passes more. */
    readonly maxDeleteBatch: number
    /**
     * How to read one large object faster than by one request: up to `concurrency` requests at once for ranges of `bytes`
     * each, which core then holds in memory. Core does it for what is longer than two of them. Left out: by one request.
     */
    readonly ranges?: { readonly bytes: number; readonly concurrency: number }
  }

  /**
   * Writes one object. Atomic: no reader ever sees a part of it. Durable: once it resolves, the object survives a crash
   * of the storage. When it rejects with anything but `ambiguous`, nothing was changed and nothing is left behind that
   * `leftovers` would not find. A failure of the body itself rejects with the body's own error.
   */
  put(key: string, body: Body, options?: PutOptions): Promise<ObjectMeta>

  /** Opens one object for reading; `undefined` if nothing is there. */
  get(key: string, options?: GetOptions): Promise<ObjectContent | undefined>

  /** Describes one object; `undefined` if nothing is there. */
  head(key: string, options?: RequestOptions): Promise<ObjectMeta | undefined>

  /**
   * Every object whose key starts with `prefix`; the prefix is text, so `a/` does not show `ab/`. Complete, or it rejects:
   * a failed page is never a short list. The order is not promised. A key that ends in "/" is a name that is taken
   * without being an object (an empty directory, a folder marker, a symbolic link).
   */
  list(prefix: string, options?: RequestOptions): AsyncIterable<ObjectMeta>

  /** Removes objects. Absent is success. Returns one failure for each key that is still there; rejects only if none was tried. */
  delete(keys: readonly string[], options?: RequestOptions): Promise<DeleteFailure[]>

  /** The storage's clock (of its Date header), by which `lastModified` was given; the machine's where that is the same. */
  now(options?: RequestOptions): Promise<Date>

  /**
   * Finds what `list` cannot show and is older than `olderThanMs` by the storage's clock; removes it unless `dryRun`.
   * Where a leftover belongs to a key, only those of keys for which `isOurs` holds: others may share the storage.
   */
  leftovers?(options: {
    olderThanMs: number
    prefix: string
    isOurs?: ((key: string) => boolean) | undefined
    dryRun?: boolean | undefined
    signal?: AbortSignal | undefined
  }): Promise<Leftover[]>

  /**
   * For storages with a transaction or an atomic directory rename: everything in `create` appears together or not at all,
   * then the pointer moves. Rejects with `precondition` if any of the keys exists. Returns the metas of `create`, in order,
   * or "unsupported" for a batch that it cannot do at once; then no body was touched and core does it in sequence.
   */
  commit?(batch: CommitBatch, options?: RequestOptions): Promise<ObjectMeta[] | "unsupported">

  /**
   * For a storage without a compare-and-swap among processes: makes one writer lead on everything whose key starts with
   * `prefix`. Once it resolves, every write and every removal under the prefix by anybody else, of this process or another,
   * begun before or after, rejects with `fenced` and changes nothing any more; what they had done is there to see. Rejects
   * with `fenced` if a holder that shows signs of life must not be superseded.
   */
  claim?(options: { prefix: string; signal?: AbortSignal | undefined }): Promise<BackendClaim>
}
