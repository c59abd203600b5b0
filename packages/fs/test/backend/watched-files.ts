import type { FileApi, OpenFile } from "../../src/files/file-api.js"
import { nodeFiles } from "../../src/files/file-api.js"

export interface Call {
  /** From 0, in the order in which the calls were made. */
  readonly index: number
  /** "open", "mkdir", …; those of an open file as "write", "writev", "read", "fstat", "truncate", "utimes", "datasync", "sync", "close". */
  readonly name: string
  /** Of an open file: under which it was opened. */
  readonly path: string
  readonly to?: string
  readonly flags?: string | number
  /** Of an open file: which one. */
  readonly file?: number
  readonly buffers?: readonly Uint8Array[]
  /** Of a write: at which byte of the file it begins. Of a truncate: the length. */
  readonly position?: number | undefined
}

export interface Watch {
  /** Runs before the call; what it throws is what the call rejects with, and the call is not made. */
  before?(call: Call): unknown
  /** True: the call is not made and resolves at once (a sync that is left out). */
  skip?(call: Call): boolean
  /** Runs after the call has succeeded. */
  after?(call: Call): unknown
  /** Bytes that a write takes, if not all. */
  takes?(call: Call): number | undefined
}

export interface Watched extends FileApi {
  readonly calls: Call[]
  count(name: string, path?: RegExp): number
  /** Files that were opened and not closed. */
  held(): number
  /** Closes those, as the end of a process does. */
  release(): Promise<void>
}

export function errno(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code, syscall: "injected" })
}

/** The real file calls, each counted, and failed or left out as the test says. */
export function watchFiles(watch: Watch = {}, files: FileApi = nodeFiles): Watched {
  const calls: Call[] = []
  let opened = 0
  const held = new Set<OpenFile>()

  async function pass<T>(call: Omit<Call, "index">, make: () => Promise<T>): Promise<T> {
    const one: Call = { ...call, index: calls.length }
    calls.push(one)
    await watch.before?.(one)
    const result = watch.skip?.(one) ? (undefined as T) : await make()
    await watch.after?.(one)
    return result
  }

  return {
    calls,
    count: (name, path) => calls.filter((call) => call.name === name && (path?.test(call.path) ?? true)).length,
    held: () => held.size,
    release: async () => {
      for (const handle of held) await handle.close()
      held.clear()
    },
    open: (path, flags, mode) => {
      const file = opened++
      return pass({ name: "open", path, flags, file }, async () => {
        const handle = await files.open(path, flags, mode)
        held.add(handle)
        return watchedFile(handle, path, file, { watch, calls, pass, closed: () => held.delete(handle) })
      })
    },
    mkdir: (path) => pass({ name: "mkdir", path }, () => files.mkdir(path)),
    rename: (from, to) => pass({ name: "rename", path: from, to }, () => files.rename(from, to)),
    link: (from, to) => pass({ name: "link", path: from, to }, () => files.link(from, to)),
    unlink: (path) => pass({ name: "unlink", path }, () => files.unlink(path)),
    rmdir: (path) => pass({ name: "rmdir", path }, () => files.rmdir(path)),
    lstat: (path, options) => pass({ name: "lstat", path }, () => files.lstat(path, options)),
    stat: (path, options) => pass({ name: "stat", path }, () => files.stat(path, options)),
    readdir: (path, options) => pass({ name: "readdir", path }, () => files.readdir(path, options)),
    realpath: (path) => pass({ name: "realpath", path }, () => files.realpath(path)),
  }
}

/** How a call of an open file is recorded, and given to the test. */
interface Recorder {
  readonly watch: Watch
  readonly calls: readonly Call[]
  pass<T>(call: Omit<Call, "index">, make: () => Promise<T>): Promise<T>
  /** Called once the file is closed, whatever the answer to that was. */
  closed(): void
}

function watchedFile(handle: OpenFile, path: string, file: number, { watch, calls, pass, closed }: Recorder): OpenFile {
  const write = async (name: string, buffers: readonly Uint8Array[], position: number | undefined) => {
    const takes = watch.takes?.({ index: calls.length, name, path, file, buffers, position })
    const kept = takes === undefined ? buffers : [Buffer.concat(buffers).subarray(0, takes)]
    return pass({ name, path, file, buffers: kept, position }, async () => {
      if (takes === 0) return { bytesWritten: 0 }
      const [only, second] = kept
      return second === undefined && only !== undefined
        ? handle.write(only, 0, only.byteLength, position)
        : handle.writev([...kept], position ?? 0)
    })
  }
  return {
    write: (buffer, offset = 0, length = buffer.byteLength - offset, position) =>
      write("write", [buffer.subarray(offset, offset + length)], position),
    writev: (buffers, position) => write("writev", buffers, position),
    read: (buffer, offset, length, position) =>
      pass({ name: "read", path, file, buffers: [buffer] }, () => handle.read(buffer, offset, length, position)),
    stat: (options) => pass({ name: "fstat", path, file }, () => handle.stat(options)),
    truncate: (length) => pass({ name: "truncate", path, file, position: length }, () => handle.truncate(length)),
    utimes: (atime, mtime) => pass({ name: "utimes", path, file }, () => handle.utimes(atime, mtime)),
    datasync: () => pass({ name: "datasync", path, file }, () => handle.datasync()),
    sync: () => pass({ name: "sync", path, file }, () => handle.sync()),
    close: async () => {
      // A close that fails has closed all the same, as on Linux.
      await pass({ name: "close", path, file }, () => handle.close()).catch(async (error: unknown) => {
        closed()
        await handle.close().catch(() => undefined)
        throw error
      })
      closed()
    },
  }
}
