import type { BigIntStats } from "node:fs"

/** How `stat` and `lstat` are asked: nanoseconds are no whole numbers otherwise. */
export interface StatOptions {
  /** Numbers come as bigints. */
  bigint: true
}

/** The answer to a write. */
export interface Written {
  /** Bytes that were written; fewer than were given if the disk is nearly full. */
  bytesWritten: number
}

/** The answer to a read. */
export interface Read {
  /** Bytes that were read; 0 at the end of the file. */
  bytesRead: number
}

/**
 * The methods of an open file that this package uses; a `FileHandle` has them. Positions, offsets and lengths are bytes. Every
 * method rejects with the error of the system, whose `code` is kept ("EIO", "ENOSPC").
 */
export interface OpenFile {
  /** Writes one buffer, or the part of it that `offset` and `length` name. May write less, and says how much. */
  write(buffer: Uint8Array, offset?: number, length?: number, position?: number): Promise<Written>
  /** Writes buffers, one behind the other. May write less, and says how much of them in all. */
  writev(buffers: Uint8Array[], position: number): Promise<Written>
  /** Fills `length` bytes of the buffer from its `offset` on. May read less, and 0 at the end of the file. */
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<Read>
  /** The description of the file. */
  stat(options: StatOptions): Promise<BigIntStats>
  /** Cuts the file, or fills it with zeros, to so many bytes. */
  truncate(length: number): Promise<void>
  /** Sets the times of the last access and the last change, in seconds since 1970, fractions included. */
  utimes(atime: number, mtime: number): Promise<void>
  /** Syncs the bytes so far, and of the file's description as much as reading them needs. */
  datasync(): Promise<void>
  /** Syncs the bytes and the whole description of the file; of a directory, its entries. */
  sync(): Promise<void>
  /** Closes the file once the calls under way have ended. */
  close(): Promise<void>
}
