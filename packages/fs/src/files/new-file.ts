import type { BigIntStats } from "node:fs"
import { hasErrno } from "./errors.js"
import type { FileApi, OpenFile } from "./file-api.js"
import { at, newTemporaryName, type TemporaryKind } from "./paths.js"
import { registry } from "./registry.js"

/** A new file under a temporary name, or in a stage, until it is moved to its place or discarded. */
export class NewFile {
  readonly path: string
  readonly #files: FileApi
  readonly #handle: OpenFile
  #closed: Promise<void> | undefined

  private constructor(files: FileApi, path: string, handle: OpenFile) {
    this.#files = files
    this.path = path
    this.#handle = handle
  }

  /** Opened with "wx": a file or a symbolic link that has this name already is refused, and never written through. */
  static async create(files: FileApi, path: string): Promise<NewFile> {
    return new NewFile(files, path, await files.open(path, "wx", 0o666))
  }

  /** A file that is open already, under a temporary name. */
  static of(files: FileApi, path: string, handle: OpenFile): NewFile {
    return new NewFile(files, path, handle)
  }

  static createTemporary(files: FileApi, directory: string, kind: TemporaryKind): Promise<NewFile> {
    return NewFile.create(files, at(directory, newTemporaryName(kind)))
  }

  get handle(): OpenFile {
    return this.#handle
  }

  /**
   * To be called after the last byte. Sets a time of modification that no other file of this process has. Otherwise two
   * contents could have the same version: filesystems give a freed inode number to the next file at once, their clock moves
   * in ticks of 1 to 10 ms, and the sizes may be equal. Then a compare-and-swap would let a stale writer through.
   */
  async stamp(): Promise<BigIntStats> {
    await this.mark()
    return this.info()
  }

  /** The first half of `stamp`, for a caller that asks for the description later. */
  async mark(): Promise<void> {
    const { mtimeNs } = await this.info()
    // Half a microsecond more, so that the conversion to a double and back never rounds down to the previous microsecond.
    const seconds = (stampOf(mtimeNs) + 0.5) / 1e6
    await this.#handle.utimes(seconds, seconds).catch((error: unknown) => {
      // Some network filesystems do not let times be set; then the time that they set must do.
      if (!hasErrno(error, "EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL")) throw error
    })
  }

  info(): Promise<BigIntStats> {
    return this.#handle.stat({ bigint: true })
  }

  /** Must not be called again after a failure: the second call would succeed, although the data is lost. */
  sync(): Promise<void> {
    return this.#handle.sync()
  }

  close(): Promise<void> {
    this.#closed ??= this.#handle.close()
    return this.#closed
  }

  /** Removes the file if it still has its first name. `leftovers` finds a file that cannot be removed now. */
  async discard(): Promise<void> {
    await this.close().catch(() => undefined)
    await this.#files.unlink(this.path).catch(() => undefined)
  }
}

const tick = 10_000

/**
 * The stamp for a file that was written at `mtimeNs`, by the filesystem's clock. Microseconds since 1970. The time is told to a
 * tick of 10 ms, and counted down by one, so that no stamp is ahead of that clock. The place within the tick is a count of all
 * files, so it tells one file from the next whatever the clock does. The count never moves the time: a clock that was ahead
 * for a moment stamps the files of that moment alone.
 */
function stampOf(mtimeNs: bigint): number {
  const ticks = Math.floor(Number(mtimeNs / 1000n) / tick) - 1
  registry.stamped = (registry.stamped + 1) % tick
  return ticks * tick + registry.stamped
}
