import type { BigIntStats } from "node:fs"
import * as node from "node:fs/promises"

/** The methods of an open file that this package uses; a `FileHandle` has them. */
export interface OpenFile {
  write(buffer: Uint8Array, offset?: number, length?: number, position?: number): Promise<{ bytesWritten: number }>
  writev(buffers: Uint8Array[], position: number): Promise<{ bytesWritten: number }>
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
  stat(options: { bigint: true }): Promise<BigIntStats>
  truncate(length: number): Promise<void>
  utimes(atime: number, mtime: number): Promise<void>
  /** Syncs the bytes so far, and of the file's description as much as reading them needs. */
  datasync(): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * The part of `node:fs/promises` that this package uses. Nothing else touches the disk, so a test that wraps it sees every
 * call, can fail any of them, and can replay them against a model of a power cut.
 */
export interface FileApi {
  /** False: directories are never synced. */
  readonly directorySync?: boolean | undefined
  open(path: string, flags: string | number, mode?: number): Promise<OpenFile>
  /**
   * Never with `{ recursive: true }`, which turns EIO, EDQUOT, EROFS and EMFILE into ENOENT: an outage would read as
   * "nothing there".
   */
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

export const nodeFiles = {
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
} satisfies FileApi

/** The same calls, some of them changed. */
export function changed(files: FileApi, changes: Partial<FileApi>): FileApi {
  const calls = Object.keys(nodeFiles).map((name) => {
    const call = files[name as keyof typeof nodeFiles] as (...args: unknown[]) => unknown
    return [name, call.bind(files)] as const
  })
  return { ...Object.fromEntries(calls), directorySync: files.directorySync, ...changes } as FileApi
}
