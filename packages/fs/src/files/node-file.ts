import type { BigIntStats } from "node:fs"
import { fdatasync, fsync, futimes, writev } from "node:fs"
import type { FileHandle } from "node:fs/promises"
import { promisify } from "node:util"
import type { OpenFile, Read, StatOptions, Written } from "./open-file.js"

const syncOf = promisify(fsync)
const datasyncOf = promisify(fdatasync)
const utimesOf = promisify(futimes)
const writevOf = promisify(writev)

/**
 * An open file of Node's. Yarn's Plug'n'Play puts a handle of its own in the place of a `FileHandle`, which differs (seen in Yarn
 * 4.18): `sync`, `datasync` and `utimes` throw "Method not implemented"; `writev` goes on with the next buffer after a short
 * write, which loses the rest of the first; `read` takes a Uint8Array that is no Buffer for options. So these calls go by the
 * descriptor, which Plug'n'Play leaves alone, and `read` gets a Buffer.
 */
export class NodeFile implements OpenFile {
  readonly #handle: FileHandle
  /** Calls by the descriptor. The handle does not know of them, and a closed descriptor may be another file's at once. */
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  write(buffer: Uint8Array, offset?: number, length?: number, position?: number): Promise<Written> {
    return this.#handle.write(buffer, offset, length, position)
  }

  writev(buffers: Uint8Array[], position: number): Promise<Written> {
    return this.#byDescriptor((fd) => writevOf(fd, buffers, position))
  }

  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<Read> {
    const { buffer: memory, byteOffset, byteLength } = buffer
    return this.#handle.read(Buffer.from(memory, byteOffset, byteLength), offset, length, position)
  }

  stat(options: StatOptions): Promise<BigIntStats> {
    return this.#handle.stat(options)
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length)
  }

  utimes(atime: number, mtime: number): Promise<void> {
    return this.#byDescriptor((fd) => utimesOf(fd, atime, mtime))
  }

  datasync(): Promise<void> {
    return this.#byDescriptor(datasyncOf)
  }

  sync(): Promise<void> {
    return this.#byDescriptor(syncOf)
  }

  /** Waits for the calls under way. */
  async close(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
    await this.#handle.close()
  }

  async #byDescriptor<T>(call: (fd: number) => Promise<T>): Promise<T> {
    const answer = call(this.#handle.fd)
    this.#underWay.add(answer)
    try {
      return await answer
    } finally {
      this.#underWay.delete(answer)
    }
  }
}
