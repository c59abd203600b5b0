/**
 * The interface between core and a storage. `ObjectBackend` has the methods that every storage must have. The optional parts
 * stand at the end of this file: leave out the parts that your storage lacks.
 *
 * An adapter translates key, bytes, condition, error and abort, and nothing else. Ids, JSON, ordering, conflicts, the
 * pointer, retention, recovery, retries and time-outs live once, in core. Input is clean when it arrives here: keys are
 * non-empty, relative, "/"-separated, without "." or ".." segments, control characters or backslashes.
 *
 * Keys are compared byte by byte in UTF-8. Nothing is decoded, trimmed, normalised or read as a number or a pattern: `a_b` and
 * `axb`, `007` and `7`, `A` and `a`, two normal forms of one letter are two keys. A key of 740 bytes must work, with names of up
 * to 240 bytes between its slashes. No store has an object at `a` beside one at `a/b`, which storages with folders lack.
 *
 * The way of a state's bytes:
 *
 *     save   StateSource ──▶ Body ──┬──▶ put ──────────────────────────────┬──▶ object
 *                                   └──▶ begin ─▶ part, part … ─▶ complete ┘
 *     read   StateReader ◀── ObjectContent ◀── get ◀─────────────────────────── object
 *
 * A `StateSource` is the user's: bytes in memory or a stream. Core checks and hashes it, and hands it on as a `Body`. `put`
 * writes a body. A backend with `parts` gets only short bodies in memory by `put`: core splits a long body, and a stream, and
 * sends the parts by themselves. An `ObjectContent` is the answer to one `get`. A `StateReader` verifies the bytes, and asks
 * for the rest where an answer broke off.
 */

import type { BackendError } from "../errors.js"

/**
 * Every method rejects with a `BackendError`, whose kind says what the failure means, or with the reason of the signal that
 * was aborted. No method tries again by itself: core does.
 *
 * A storage that reads without waiting, such as an embedded database, lets the event loop have a turn in each read if its writes
 * need one. Otherwise a loop of reads keeps every write from its end.
 */
export interface ObjectBackend extends OptionalParts, AsyncDisposable {
  /** For messages and events: "fs", "s3", … */
  readonly name: string
  /** What core may expect of this storage. */
  readonly capabilities: Capabilities

  /**
   * Writes one object. Replaces the object at the key, unless `when` forbids it.
   *
   * Atomic: no reader ever sees a part of the object. Durable: once the call resolves, the object survives a crash of the
   * storage. The call rejects
   * - with the body's own error if the body fails, and nothing was changed;
   * - with `precondition` if `when` does not hold: nothing was changed, and the object that was found is durable;
   * - with `ambiguous` if the object may have been written, or may still appear: a lost answer, most 5xx. Core reads back;
   * - with any other kind if nothing was changed, and nothing is left behind that `leftovers` would not find.
   */
  put(key: string, body: Body, options?: PutOptions): Promise<ObjectMeta>

  /** Opens one object for reading; `undefined` if nothing is there. */
  get(key: string, options?: GetOptions): Promise<ObjectContent | undefined>

  /** Describes one object; `undefined` if nothing is there. */
  head(key: string, options?: RequestOptions): Promise<ObjectMeta | undefined>

  /**
   * Every object whose key starts with `prefix`; the prefix is text, so `a/` does not show `ab/`. Complete, or it rejects:
   * a failed page is never a short list. Without `after` and `limit` the order is not promised. A key that ends in "/" is a name
   * that is taken without being an object (an empty directory, a folder marker). What is in an object's place and cannot be read as
   * one (a symbolic link, a device) has the object's key, and `get` says `damaged`. Several listings may be under way at once. A
   * listing whose reader calls `return()` holds nothing any more.
   *
   * With `after` or `limit` the keys ascend, compared byte by byte in UTF-8: `a-b`, `a/b`, `a0`. A taken name has the place of the
   * key that is shown. A key with a character above U+FFFF may come at any place, since not every storage tells where it does. A
   * listing costs one request for each page of the storage that the entries fill, and asks for nothing behind its last entry. A
   * storage that has no such order, or no start, reads more, and gives the same: see `inOrder` of `@ckpt/core/adapter`.
   */
  list(prefix: string, options?: ListRangeOptions): AsyncIterable<ObjectMeta>

  /**
   * Removes objects. Absent is success, also beside keys that are there. A key may be given twice, and is removed once. Returns one
   * failure for each key that is still there; rejects only if none was tried. Once it resolves, nobody sees the objects any more.
   */
  delete(keys: readonly string[], options?: RequestOptions): Promise<DeleteFailure[]>

  /**
   * The storage's clock (of its Date header, for example), by which `lastModified` was given. `prefix`: that of the objects
   * whose age is asked for, where parts of a storage may have clocks of their own.
   */
  now(options?: NowOptions): Promise<Date>
}

/** What core may expect of a storage. */
export interface Capabilities {
  /**
   * Among whom `when: { version }` holds. `"storage"`: all processes, since the storage itself compares. `"process"`: the
   * callers of this process.
   */
  readonly compareAndSwap: "storage" | "process"
  /** The most keys that one `delete` takes in one request. Core never passes more. */
  readonly maxDeleteBatch: number
  /** Optional, for a storage that is far: how to read a large object faster than by one request, where one connection is slow. */
  readonly ranges?: ParallelRanges
  /**
   * Optional, for a backend whose `leftovers` knows of some leftovers that their writer has ended: retention then calls it after
   * each run, to remove those alone.
   */
  readonly seesEndedWriters?: boolean
}

/**
 * Bytes to write. An array may be read again, for a retry; an iterable is read once, to its end or to the first failure.
 * A chunk stays as it is until the put settles, so that it may be sent without a copy. After that it is the source's again.
 */
export type Body = readonly Uint8Array[] | AsyncIterable<Uint8Array>

/** The options of every request. */
export interface RequestOptions {
  /** Ends the request and what it holds (sockets, handles, temporary files); the call rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** The options of `now`. */
export interface NowOptions extends RequestOptions {
  /** Where the objects are whose age is asked for. Default: everywhere. */
  prefix?: string | undefined
}

/** The options of `put`. */
export interface PutOptions extends RequestOptions {
  /**
   * `"absent"`: write only if nothing is at the key; among racing creators exactly one wins. Mandatory for every backend.
   * `{ version }`: write only if the object still has this version, among those whom `capabilities.compareAndSwap` names.
   */
  when?: Condition | undefined
  /**
   * True: for `"absent"` it is enough that one creator wins among those whom `capabilities.compareAndSwap` names. A storage
   * that cannot have one winner among all for every object (a filesystem without hard links) may still do this. May be ignored.
   */
  weakly?: boolean | undefined
  /** The number of bytes of `body`, where known beforehand. */
  size?: number | undefined
}

/** When a write may take effect. See {@link PutOptions.when}. */
export type Condition =
  | "absent"
  | {
      /** The version that the object must still have. */
      readonly version: string
    }

/** The options of `get`. */
export interface GetOptions extends RequestOptions {
  /** Bytes from `offset`, cut at the end of the object. An offset past the end is `precondition`; at the end it is empty. */
  range?:
    | {
        /** The first byte, from 0. */
        readonly offset: number
        /** Bytes, at most. Default: up to the end of the object. */
        readonly length?: number | undefined
      }
    | undefined
  /** Read only this version; another one is `precondition`. */
  ifVersion?: string | undefined
}

/** The options of a backend's `list`. With one of the two, the entries come in the order of their keys. */
export interface ListRangeOptions extends RequestOptions {
  /** Only entries whose key is greater than this text. It begins with the prefix, and need not be the key of an object. */
  after?: string | undefined
  /** Only the first entries, so many at most. From 1. */
  limit?: number | undefined
}

/** The description of one object. */
export interface ObjectMeta {
  /** The object's name. */
  readonly key: string
  /** Bytes of the whole object, also when a range of it was asked for. */
  readonly size: number
  /**
   * Opaque; compared as a whole, character by character. Changes whenever the content changes, by whatever call, also over a removal:
   * no two contents of one key ever have one version, so a hash needs 128 bits. Equal content may have equal versions.
   */
  readonly version: string
  /**
   * When the object was last written, by the storage's clock; the same from every call. Whole seconds will do, rounded down: never
   * later than `now` after the write.
   */
  readonly lastModified: Date
}

/** One object, opened for reading. */
export interface ObjectContent {
  /** Of the version whose bytes `body` gives. */
  readonly meta: ObjectMeta
  /**
   * The bytes asked for, read once, in chunks of a megabyte or so. The reader may change a chunk, so it is a copy of its own
   * (`slice` of a Buffer makes none), and it stays as it is while more is read. Rejects if the storage delivers fewer bytes than it
   * promised: a short body is never a success. If the object is removed or replaced before the end, the body gives the bytes of
   * `meta.version`, or rejects, best with `transient`: core asks again for that version. An object of one chunk is read with its
   * meta, at one moment: others replace the pointer again and again while it is read. Whoever gets a content either reads it to
   * its end or calls `return()` on its iterator, before the first chunk too; then the storage holds nothing for it any more.
   */
  readonly body: AsyncIterable<Uint8Array>
}

/** One key that `delete` could not remove. */
export interface DeleteFailure {
  /** The object that is still there. */
  readonly key: string
  /** Why. */
  readonly error: BackendError
}

// ── Optional parts ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The abilities of some storages. Core uses an ability that is there, and does without it otherwise. */
export interface OptionalParts {
  /** For a storage on which one request holds one part of a long object. Left out: `put` takes bodies of any length. */
  readonly parts?: UploadInParts

  /**
   * For a storage in which a write that broke off leaves something that `list` does not show. Finds the leftovers to which
   * nothing has happened for `olderThanMs` by the storage's clock, and removes them unless `dryRun`. A write that began long ago
   * may be under way: its latest sign of life counts, such as the last part of an upload. Where the writer is known, its life
   * counts instead of the time: what it left goes at once when it has ended, and stays as long as it lives.
   */
  leftovers?(options: LeftoverOptions): Promise<Leftover[]>

  /**
   * For a storage on which an object may be visible before it is durable (a file whose directory is not synced yet). Resolves
   * once every object that is visible at the keys is durable. Rejects with `ambiguous` if nobody can know that. Writes no
   * object. Core calls it before it relies on an object that it found: to acknowledge a write whose answer was lost, to remove others
   * because of a checkpoint, to give a checkpoint from recovery. Left out: what is visible is durable.
   */
  confirm?(keys: readonly string[], options?: RequestOptions): Promise<void>

  /**
   * For storages with a transaction or an atomic directory rename: everything in `create` appears together or not at all,
   * then the pointer moves. Rejects with `precondition` if any of the keys exists. Returns the metas of `create`, in order,
   * or "unsupported" for a batch that it cannot do at once; then no body was touched and core does it in sequence. What it created
   * is an object like any other. A commit that rejects has created nothing, moved nothing, and leaves its keys free; with the error of a
   * body, of a function or of `decide` it rejects with that error.
   */
  commit?(batch: CommitBatch, options?: RequestOptions): Promise<ObjectMeta[] | "unsupported">

  /**
   * For a storage on which only one process may write without a claim: says that this process writes under the prefix, and gives
   * the other processes that said so and live. Core calls it once for each store, before the first change. It makes no folder and
   * no claim; under a claim it gives nobody. `undefined`: nothing is there yet, so that there is no place to say it; core asks
   * again before the next change. Rejects with `fenced` if the backend was told to refuse a second writer. Core passes over any
   * other failure, since this is advice. Disposing the backend takes the word back.
   */
  announce?(options: AnnounceOptions): Promise<readonly OtherWriter[] | undefined>

  /**
   * For a storage without a compare-and-swap among processes: makes one writer lead on everything whose key starts with
   * `prefix`. Once it resolves, every write and every removal under the prefix by anybody else, of this process or another,
   * begun before or after, rejects with `fenced` and changes nothing any more; what they had done is there to see. Rejects
   * with `fenced` if a holder that shows signs of life must not be superseded.
   */
  claim?(options: BackendClaimOptions): Promise<BackendClaim>
}

/** The options of `announce`. */
export interface AnnounceOptions extends RequestOptions {
  /** Everything that the writer may write has a key that starts so. */
  prefix: string
}

/** The options of a backend's `claim`. */
export interface BackendClaimOptions extends RequestOptions {
  /** Everything that the writer may write has a key that starts so. */
  prefix: string
  /**
   * The keys of the writer. Then the claim is about these alone: whatever else is under the prefix belongs to others, such as
   * another store, and stays as it is. Default: every key under the prefix.
   */
  keys?: ClaimedKeys | undefined
}

/** The keys of one writer, where others write under the same prefix. */
export interface ClaimedKeys {
  /** Each key starts with one of these: the prefix, then the name of one folder, then "/". */
  readonly prefixes: readonly string[]
  /** Whether a key may lie in this folder. Asked for folders under `prefixes`; ends in "/". */
  mayHold(folder: string): boolean
}

/**
 * Up to `concurrency` requests at once, for ranges of up to `bytes`; so many bytes of one read may be in memory. Core begins
 * with one request for all bytes. It asks for ranges beside it only of what is longer than two ranges, while the reader waits,
 * and each connection carries less than 64 MB/s. A whole state may be opened at the same time as its manifest.
 */
export interface ParallelRanges {
  /** Bytes of the longest range. */
  readonly bytes: number
  /** Requests under way at once. 1: a storage with this gains nothing by ranges. */
  readonly concurrency: number
}

/**
 * The requests that write one object in several parts. Core makes them: it splits the body, sends `concurrency` parts at
 * once, makes a request again that failed with `transient` or `ambiguous`, gives each a time-out, and abandons an upload that
 * it does not complete. So `put` gets only arrays of up to `partBytes(0)` bytes.
 *
 * The object is invisible until all parts are sent and `complete` is called; it may appear with the last part already. Core
 * uses the memory of a part again once `part` has resolved.
 *
 * @typeParam U the backend's knowledge of an upload under way, for example id, key and condition
 * @typeParam P the storage's answer to a part, for example an etag
 */
export interface UploadInParts<U = unknown, P = unknown> {
  /** Bytes of part `index`, from 0, of an object of `size` bytes, where that is known. The last part may be shorter. */
  partBytes(index: number, size: number | undefined): number
  /** Parts under way at once. With 1 each part is begun when the one before has resolved. */
  readonly concurrency: number

  /** Begins an upload. `when` must hold at the moment when the object appears. The upload may be refused before that. */
  begin(
    key: string,
    options: {
      /** As in {@link PutOptions}. */
      when?: Condition | undefined
    } & RequestOptions,
  ): Promise<U>

  /**
   * Sends one part. Core begins parts in order. After a failure it sends the same part again, even if the first request may
   * have arrived: the part must count once.
   */
  part(upload: U, part: UploadPart, options: RequestOptions): Promise<P>

  /**
   * Makes the object of `size` bytes appear, as atomic and durable as `put`, and with the same failures. `parts` has the
   * answers to the parts, in order, one at least. Core calls it again after `ambiguous`. Then `precondition` may mean that the
   * first call made the object appear, and core reads back.
   */
  complete(
    upload: U,
    parts: readonly P[],
    options: {
      /** Bytes of the whole object. */
      size: number
    } & RequestOptions,
  ): Promise<ObjectMeta>

  /**
   * Gives an upload up, so that the storage neither keeps nor bills it. Core ignores a failure: `leftovers` finds the rest.
   * Core never calls it after a `complete` whose outcome is unknown.
   */
  abandon(upload: U, options: RequestOptions): Promise<void>
}

/** One part of an object. An empty object is one part without bytes. */
export interface UploadPart {
  /** The number of the part, from 0. */
  readonly index: number
  /** The place of its first byte in the object. */
  readonly offset: number
  /** The bytes. Core uses their memory again once `part` has resolved. */
  readonly bytes: Uint8Array
  /** True: no part comes after this one. */
  readonly last: boolean
}

/**
 * Chunks whose memory can be used again, which is several times faster than new memory from the system. A `Body`, and the
 * body of an `ObjectContent`, may be `RecyclingChunks`. Their reader may call `recycle` with a chunk that nobody will look at
 * any more. A chunk that is not given back stays as it is. The memory of a chunk goes to one reader at a time.
 */
export interface RecyclingChunks extends AsyncIterable<Uint8Array> {
  /** Gives the memory of a chunk back. Called at most once for each chunk. */
  recycle(chunk: Uint8Array): void
}

/** Something that `list` cannot show: an unfinished upload in parts, a staging directory, a temporary file. */
export interface Leftover {
  /** The storage's own name for it, for reports. */
  readonly name: string
  /** When something last happened to it, by the storage's clock. */
  readonly since: Date
  /** Present if it should have been removed and could not be. */
  readonly error?: BackendError
}

/** The options of `leftovers`. */
export interface LeftoverOptions extends RequestOptions {
  /** Milliseconds since their latest sign of life. `Infinity`: only those whose writer is known to have ended. */
  olderThanMs: number
  /** Only those that belong to keys that start so. */
  prefix: string
  /**
   * Where a leftover belongs to a key, only those for which this holds, in a dry run too: others may share the storage, and the writes of some
   * keys may still be under way. A key that ends in "/": the folder that the leftover lies in, where only that is known.
   * Not asked if the writer is known to have ended. `since`: as in {@link Leftover}.
   */
  mayGo?: ((key: string, since: Date) => boolean) | undefined
  /** True: finds them, and removes none. */
  dryRun?: boolean | undefined
}

/** What a backend's `commit` writes. */
export interface CommitBatch {
  /**
   * Objects to create, all or none. Bodies are consumed in order, each once; a function is called once, after the bodies before it. Chunks
   * are the caller's again when the commit has settled.
   */
  readonly create: readonly {
    /** Where the object goes. */
    readonly key: string
    /** Its bytes. */
    readonly body: Body | (() => Body)
  }[]
  /** The pointer to move once the objects are there. */
  readonly pointer?: {
    /** Where the pointer is. */
    readonly key: string
    /**
     * Decides on the current pointer inside the backend's critical section, so it may be called more than once and must
     * depend on its argument alone. `undefined` leaves the pointer as it is, its version too. If it throws, the commit rejects with
     * its error and has done nothing. The bytes of `current` are a copy for `decide`; the bytes that it gives are the caller's again
     * when the commit has settled.
     */
    decide(
      current:
        | {
            /** Of the pointer that was read. */
            readonly version: string
            /** The pointer's bytes. */
            readonly bytes: Uint8Array
          }
        | undefined,
    ): Uint8Array | undefined
  }
}

/** Another process that writes, and lives. */
export interface OtherWriter {
  /** The number of its process. */
  readonly pid: number
  /** When it said so, by the storage's clock. */
  readonly since: Date
  /** The place that it writes to, as the storage calls it. */
  readonly where: string
}

/** The storage under a claim. */
export interface BackendClaim {
  /** The same storage as its one writer uses it. Disposing it gives the claim up. */
  readonly backend: ObjectBackend
  /** Higher than that of every claim before it. */
  readonly epoch: number
  /** Names under the prefix that are not of the writer, so that nothing was done there; 100 at most. */
  readonly passedOver?: readonly string[]
}
