import type { BigIntStats } from "node:fs"
import * as node from "node:fs/promises"
import { NodeFile } from "./node-file.js"
import type { OpenFile, StatOptions } from "./open-file.js"

export type { OpenFile } from "./open-file.js"

/** How `readdir` is asked. */
export interface ReaddirOptions {
  /** The kind of each name comes with it. */
  withFileTypes: true
}

/** One name in a directory; a `Dirent` of Node's has it. */
export interface Entry {
  /** The name alone, without the path. */
  readonly name: string
  /** False for a link, also for one to a directory. */
  isDirectory(): boolean
}

/**
 * The part of `node:fs/promises` that this package uses. Nothing else touches the disk, so a test that wraps it sees every
 * call, can fail any of them, and can replay them against a model of a power cut. Every method rejects with the error of the
 * system, whose `code` is kept ("ENOENT", "EEXIST").
 */
export interface FileApi {
  /** False: directories are never synced. */
  readonly directorySync?: boolean | undefined
  /** Opens a file or a directory. */
  open(path: string, flags: string | number, mode?: number): Promise<OpenFile>
  /**
   * Makes one directory. Never with `{ recursive: true }`, which turns EIO, EDQUOT, EROFS and EMFILE into ENOENT: an outage
   * would read as "nothing there".
   */
  mkdir(path: string): Promise<unknown>
  /** Moves a file or a directory, atomically. */
  rename(from: string, to: string): Promise<void>
  /** Gives a file a second name; EEXIST if the name is taken. */
  link(existing: string, created: string): Promise<void>
  /** Removes a file. */
  unlink(path: string): Promise<void>
  /** Removes an empty directory. */
  rmdir(path: string): Promise<void>
  /** The description of what has this name; of a link itself. */
  lstat(path: string, options: StatOptions): Promise<BigIntStats>
  /** The description of what this name leads to. */
  stat(path: string, options: StatOptions): Promise<BigIntStats>
  /** What is in a directory, in any order. */
  readdir(path: string, options: ReaddirOptions): Promise<Entry[]>
  /** The path without links. */
  realpath(path: string): Promise<string>
}

export const nodeFiles = {
  open: async (path, flags, mode) => new NodeFile(await node.open(path, flags, mode)),
  mkdir: (path) => node.mkdir(path),
  rename: (from, to) => node.rename(from, to),
  link: (existing, created) => node.link(existing, created),
  unlink: (path) => node.unlink(path),
  rmdir: (path) => node.rmdir(path),
  lstat: (path, options) => node.lstat(path, options),
  stat: (path, options) => node.stat(path, options),
  readdir: (path, options) => node.readdir(path, options),
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
