import { aBoolean, aString, type ShapeOf, wholeNumber } from "../input/kinds.js"
import { type OperationOptions, operationShape } from "../options.js"
import { type StoreOptions, storeShape } from "../store-options.js"

/** The options of `openObjects`. */
export interface ObjectsOptions
  extends Pick<StoreOptions, "prefix" | "readOnly" | "retry" | "timeoutMs" | "clock" | "random"> {
  /** True: `close` also closes the backend. Default false: its maker closes it. */
  ownsBackend?: boolean | undefined
  /** Called with each event: `retry` is the only one. Its errors are ignored. */
  onEvent?: StoreOptions["onEvent"]
}

const { prefix, readOnly, retry, timeoutMs, clock, random, onEvent } = storeShape.fields

/** The kinds of {@link ObjectsOptions}. */
export const objectsShape: ShapeOf<ObjectsOptions> = {
  fields: { prefix, readOnly, retry, timeoutMs, clock, random, onEvent, ownsBackend: aBoolean },
  example: 'an object such as { prefix: "team/objects/" }',
}

/** The description of one object. */
export interface ObjectInfo {
  /** The object's key, without the prefix. */
  readonly key: string
  /** Bytes of the content. As the storage tells it: only `read` verifies. */
  readonly size: number
  /** For {@link Objects.replace}. No two writes of one key have one version, also if they write the same bytes. */
  readonly version: string
  /** When it was written, by the storage's clock. Whole seconds on most storages. */
  readonly lastModified: Date
}

/** An object with its content. */
export interface StoredObject extends ObjectInfo {
  /** The bytes that were written, verified. They are the caller's. */
  readonly bytes: Uint8Array
}

/** The answer of {@link Objects.create}. */
export interface CreatedObject extends ObjectInfo {
  /**
   * `created`: this call wrote the object. No two callers that create one key at the same time hear it. `existed`: an object with the
   * same bytes was there, and was read to its end.
   */
  readonly outcome: "created" | "existed"
}

/** The options of {@link Objects.replace}. */
export interface ReplaceOptions extends OperationOptions {
  /** The version that the object must still have, as `create`, `replace`, `read`, `head` or `list` told it. */
  version: string
}

/** The options of {@link Objects.list}. */
export interface ListObjectsOptions extends OperationOptions {
  /** Only keys that begin so. It is text: `t/1` shows `t/10` too. Default: all. */
  prefix?: string | undefined
  /** Only keys that are greater than this text, compared byte by byte in UTF-8. It need not be the key of an object. */
  after?: string | undefined
  /** The first entries, so many at most. Default: all. */
  limit?: number | undefined
}

/** The kinds of {@link ReplaceOptions}. */
export const replaceShape: ShapeOf<ReplaceOptions> = {
  fields: {
    ...operationShape.fields,
    version: {
      fits: (value) => typeof value === "string" && value !== "",
      give: "the version that the object should have, such as (await objects.head(key))?.version",
    },
  },
  example: "{ version }, the version that the object should have",
}

/** The kinds of {@link ListObjectsOptions}. */
export const listObjectsShape: ShapeOf<ListObjectsOptions> = {
  fields: { ...operationShape.fields, prefix: aString, after: aString, limit: wholeNumber(1) },
}

/**
 * Objects on one storage: bytes under keys, each with a checksum of its own. Any number of calls may run at the same time. An absent
 * object is `undefined`. A call rejects with a `CheckpointError`; an abort rejects with the signal's reason.
 *
 * A key is segments with "/" between them, such as "threads/7/latest": 740 bytes with the prefix, 240 bytes between two slashes, no
 * empty segment, no "." and "..", no control character, backslash or character above U+FFFF, and none of the library's own names, such as
 * ".claims" and ".ckpt-probe-1".
 * No object lies at `a` beside one at `a/b`, which storages with folders lack.
 *
 * Codes of every call: `CKPT_INVALID` for an argument that cannot be used; `CKPT_CLOSED` after `close()`; `CKPT_TIMEOUT`,
 * `CKPT_DENIED`, `CKPT_UNSUPPORTED` and `CKPT_IO` if the storage fails. Codes of every call that writes: also `CKPT_READ_ONLY`;
 * `CKPT_FENCED` if a writer has claimed the place; `CKPT_FULL`. Each method names its own codes beside these.
 */
export interface Objects extends AsyncDisposable {
  /**
   * Writes an object if its key is free. The same bytes may be there already: that is a success, too. So a call that failed may be made
   * again. Never overwrites. Up to 128 MiB; the bytes are copied when the call begins.
   *
   * @throws {CheckpointError} the codes of a call that writes; `CKPT_CONFLICT` if an object with other bytes is there; `CKPT_CORRUPT` if
   *   what is there does not verify: `replace` its version, or `remove` it; `CKPT_UNKNOWN_OUTCOME`, `retryable`, if nobody knows
   *   whether it took effect: it may appear later
   */
  create(key: string, bytes: Uint8Array, options?: OperationOptions): Promise<CreatedObject>
  /**
   * Writes an object in the place of one version of it. That version need not verify. Holds among all writers; on the filesystem among
   * those of one process.
   *
   * @throws {CheckpointError} the codes of a call that writes; `CKPT_CONFLICT` if the object has another version; `CKPT_NOT_FOUND` if
   *   there is none; `CKPT_UNKNOWN_OUTCOME` if nobody knows whether it took effect: `read` the object, and decide
   */
  replace(key: string, bytes: Uint8Array, options: ReplaceOptions): Promise<ObjectInfo>
  /**
   * Reads an object and verifies it. What does not verify is read once more, in case it was damaged on its way.
   *
   * @throws {CheckpointError} the codes of every call; `CKPT_CORRUPT` if what is there does not verify
   */
  read(key: string, options?: OperationOptions): Promise<StoredObject | undefined>
  /**
   * Describes an object, and reads none of it.
   *
   * @throws {CheckpointError} the codes of every call; `CKPT_CORRUPT` if something that is no object is in its place
   */
  head(key: string, options?: OperationOptions): Promise<ObjectInfo | undefined>
  /**
   * Describes objects in the ascending order of their keys, and reads none of them. It shows all that was written before the call. With
   * a limit the storage is asked for no more than that. For the latest first, let keys descend with time. What somebody else put
   * under the prefix is listed as well, if its key could be an object's.
   *
   * @throws {CheckpointError} the codes of every call; `CKPT_UNSUPPORTED` too for a storage that lists in another order
   */
  list(options?: ListObjectsOptions): Promise<ObjectInfo[]>
  /**
   * True if no crash takes away what is at these keys now. On a filesystem, an object whose last sync failed is found all the same, and a
   * power cut may undo it. Ask before you remove one object because of another.
   *
   * @throws {CheckpointError} the codes of every call
   */
  isDurable(keys: string | readonly string[], options?: OperationOptions): Promise<boolean>
  /**
   * Removes one object, or many. One that is absent counts as removed. After a failure some may be gone, and others not: call it again.
   * A removal that was given up, with `CKPT_TIMEOUT` or by an abort, may still take effect later.
   *
   * @throws {CheckpointError} the codes of a call that writes, for the first key that could not be removed
   */
  remove(keys: string | readonly string[], options?: OperationOptions): Promise<void>
  /** Waits for the calls under way, and for what aborted calls still clean up, as the `close()` of a store does. */
  close(): Promise<void>
}
