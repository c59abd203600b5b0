import type { BigIntStats } from "node:fs"
import * as node from "node:fs/promises"

/** The methods of an open file that are used here; a `FileHandle` is one. */
export interface OpenFile {
  write(buffer: Uint8Array, offset?: number, length?: number, position?: number): Promise<{ bytesWritten: number }>
  writev(buffers: Uint8Array[], position: number): Promise<{ bytesWritten: number }>
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
  stat(options: { bigint: true }): Promise<BigIntStats>
  utimes(atime: number, mtime: number): Promise<void>
  /** The bytes so far and what is needed to read them again. */
  datasync(): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * The part of `node:fs/promises` that is used here, and nothing else touches the disk: a test that wraps it sees every
 * call, can fail any of them, and can replay the log against a model of a power cut.
 */
export interface FileApi {
  open(path: string, flags: string | number, mode?: number): Promise<OpenFile>
  /** Never `{ recursive: true }`: that turns EIO, EDQUOT, EROFS and EMFILE into ENOENT, which would read as "nothing there". */
  mkdir(path: string): Promise<unknown>
  rename(from: string, to: string): Promise<void>
  link(existing: string, created: string): Promise<void>
  unlink(path: string): Promise<void>
  rmdir(path: string): Promise<void>
  lstat(path: string, options: { bigint: true }): Promise<BigIntStats>
  stat(path: string, options: { bigint: true }): Promise<BigIntStats>
  readdir(path: string): Promise<string[]>
  realpath(path: string): Promise<string>
}

export const nodeFiles: FileApi = {
  open: (path, flags, mode) => node.open(path, flags, mode),
  mkdir: (path) => node.mkdir(path),
  rename: (from, to) => node.rename(from, to),
  link: (existing, created) => node.link(existing, created),
  unlink: (path) => node.unlink(path),
  rmdir: (path) => node.rmdir(path),
  lstat: (path, options) => node.lstat(path, options),
  stat: (path, options) => node.stat(path, options),
  readdir: (path) => node.readdir(path),
  realpath: (path) => node.realpath(path),
}
