import type { BigIntStats } from "node:fs"
import { constants } from "node:fs"
import type { GetOptions, ObjectContent, ObjectMeta, RecyclingChunks } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { Mutex, onAbort } from "@ckpt/core/adapter"
import { failure, hasErrno, throwIfAborted } from "../files/errors.js"
import type { FileApi, OpenFile } from "../files/file-api.js"
import { damaged, kindOf, lookUp, metaOf, versionOf } from "../files/file-info.js"
import { at, keySegments } from "../files/paths.js"
import { readFlags } from "../files/read-small-file.js"
import type { Root } from "../files/root.js"

const chunkBytes = 1 << 20
/**
 * So many chunks are read ahead while the reader works on the current one. Otherwise its hash and the disk would take
 * turns.
 */
const chunksAhead = 2

export async function headObject(
  root: Root,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ObjectMeta | undefined> {
  throwIfAborted(signal)
  const path = await root.find(keySegments(key))
  const info = path === undefined ? undefined : await lookUp(root.files, path)
  throwIfAborted(signal)
  if (path === undefined || info === undefined) return undefined
  if (!info.isFile()) throw damaged(path, kindOf(info))
  return metaOf(key, info)
}

export async function getObject(root: Root, key: string, options: GetOptions): Promise<ObjectContent | undefined> {
  const { range, ifVersion, signal } = options
  checkRange(key, range)
  throwIfAborted(signal)
  const found = await openAt(root, keySegments(key))
  if (found === undefined) return undefined
  const { path, handle } = found
  try {
    const info = await handle.stat({ bigint: true })
    throwIfAborted(signal)
    if (!info.isFile()) throw damaged(path, kindOf(info))
    if (ifVersion !== undefined && versionOf(info) !== ifVersion) {
      throw new BackendError("precondition", `${key} has been replaced since version ${ifVersion} was read.`)
    }
    const [start, end] = bounds(key, info, range)
    root.hold(keySegments(key).slice(0, -1))
    const body = new FileBody(handle, path, start, end, signal)
    return { meta: metaOf(key, info), body }
  } catch (error) {
    await close(handle)
    throw error
  }
}

/**
 * Opens the file of a key; `undefined` if there is none. It is nearly always where the root was last. So it is opened there while the
 * root and the folders are looked at, and closed unread if they are not what they should be.
 */
async function openAt(
  root: Root,
  segments: readonly string[],
): Promise<{ path: string; handle: OpenFile } | undefined> {
  const likely = root.last === undefined ? undefined : segments.reduce(at, root.last)
  const opening = likely === undefined ? undefined : openForReading(root.files, likely)
  const [looked, opened] = await Promise.allSettled([root.find(segments), opening])
  const early = opened.status === "fulfilled" ? opened.value : undefined
  const path = looked.status === "fulfilled" ? looked.value : undefined
  if (path === undefined || path !== likely) {
    if (early !== undefined) await close(early)
    if (looked.status === "rejected") throw looked.reason
    const handle = path === undefined ? undefined : await openForReading(root.files, path)
    return path === undefined || handle === undefined ? undefined : { path, handle }
  }
  if (opened.status === "rejected") throw opened.reason
  return early && { path, handle: early }
}

function checkRange(key: string, range: GetOptions["range"]): void {
  if (range === undefined) return
  const { offset, length = 0 } = range
  if (Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0) return
  throw new BackendError(
    "permanent",
    `cannot read ${key}: the range ${offset}+${range.length} is not made of whole numbers from 0 on.`,
  )
}

function bounds(key: string, info: BigIntStats, range: GetOptions["range"]): [number, number] {
  const size = Number(info.size)
  const start = range?.offset ?? 0
  if (start > size)
    throw new BackendError("precondition", `cannot read ${key} from byte ${start}: it has ${size} bytes.`)
  return [start, range?.length === undefined ? size : Math.min(size, start + range.length)]
}

async function openForReading(files: FileApi, path: string): Promise<OpenFile | undefined> {
  if (constants.O_NOFOLLOW === undefined) {
    // Windows: `open` would follow a link, so the look comes first.
    const info = await lookUp(files, path)
    if (info?.isSymbolicLink()) throw damaged(path, kindOf(info))
  }
  try {
    return await files.open(path, readFlags)
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined
    // The codes for something other than a file: ELOOP and EMLINK a link, ENXIO a socket, EISDIR a directory.
    if (hasErrno(error, "ELOOP", "EMLINK", "ENXIO", "EISDIR")) {
      const info = await lookUp(files, path)
      if (info === undefined) return undefined
      throw damaged(path, info.isFile() ? "something else than a moment ago" : kindOf(info))
    }
    throw error
  }
}

async function close(handle: OpenFile): Promise<void> {
  // The file was only read: a close that fails undoes nothing.
  await handle.close().catch(() => undefined)
}

/**
 * The bytes of one open file, read once. A generator would not do: `return()` before its start does not run its
 * `finally`.
 */
class FileBody implements AsyncIterableIterator<Uint8Array>, RecyclingChunks {
  readonly #handle: OpenFile
  readonly #path: string
  readonly #end: number
  readonly #signal: AbortSignal | undefined
  /** Reads under way, in order. The first call of `next` starts them. */
  readonly #reads: Promise<Uint8Array>[] = []
  /**
   * Buffers that the reader gave back. To use them again is several times faster than to get new memory from the system.
   */
  readonly #free: Uint8Array[] = []
  #position: number
  readonly #ignoreAbort: () => void
  #closed: Promise<void> | undefined
  readonly #turns = new Mutex()

  constructor(handle: OpenFile, path: string, start: number, end: number, signal: AbortSignal | undefined) {
    this.#handle = handle
    this.#path = path
    this.#position = start
    this.#end = end
    this.#signal = signal
    this.#ignoreAbort = onAbort(signal, () => void this.#release())
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Each call waits for the previous call. So a reader that does not wait gets the bytes in order all the same. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    return this.#turns.run(() => this.#next())
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#release()
    return { done: true, value: undefined }
  }

  recycle(chunk: Uint8Array): void {
    if (chunk.length === chunkBytes && this.#free.length <= chunksAhead) this.#free.push(chunk)
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#signal?.aborted) {
      await this.#release()
      throw this.#signal.reason
    }
    if (this.#closed === undefined) this.#readAhead()
    const read = this.#reads.shift()
    if (read === undefined || this.#closed !== undefined) return this.return()
    try {
      const value = await read
      if (this.#signal?.aborted) throw this.#signal.reason
      if (this.#reads.length === 0 && this.#position >= this.#end) await this.#release()
      return { done: false, value }
    } catch (error) {
      await this.#release()
      throw this.#signal?.aborted ? this.#signal.reason : this.#readFailure(error)
    }
  }

  /**
   * EIO while bytes are read is how a filesystem with checksums (btrfs, ZFS) reports a rotten file, and how a disk reports a bad
   * sector. If it stays so with every attempt, it is the damage of this file and no outage. EIO of an open or of a listing is
   * an outage.
   */
  #readFailure(error: unknown): BackendError {
    const failed = failure(error, "read", this.#path)
    if (!hasErrno(error, "EIO")) return failed
    return new BackendError("transient", failed.message, { cause: error, checksumMismatch: true })
  }

  #readAhead(): void {
    while (this.#reads.length <= chunksAhead && this.#position < this.#end) {
      const length = Math.min(chunkBytes, this.#end - this.#position)
      const read = this.#read(this.#position, length)
      // The reader may never ask for this chunk; then its failure has no other handler.
      read.catch(() => undefined)
      this.#reads.push(read)
      this.#position += length
    }
  }

  async #read(position: number, length: number): Promise<Uint8Array> {
    // Only a buffer that was given back is used again: the reader may keep the others.
    const buffer = (length === chunkBytes ? this.#free.pop() : undefined) ?? Buffer.allocUnsafeSlow(length)
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, position + filled)
      if (bytesRead === 0) {
        throw new BackendError(
          "transient",
          `${this.#path} ends at byte ${position + filled}, before its end at ${this.#end}: it was cut while it was read.`,
        )
      }
      filled += bytesRead
    }
    return buffer
  }

  /** Closes the file, once. Node lets the reads under way end first. */
  #release(): Promise<void> {
    this.#ignoreAbort()
    this.#closed ??= close(this.#handle)
    return this.#closed
  }
}
