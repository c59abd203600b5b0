import type { FileApi, OpenFile } from "@ckpt/fs"
import type { Disk, OpenNode } from "./disk.js"

/** How a call is carried out: at once, or when the scheduler lets it. */
export type Carry = <T>(
  what: string,
  kind: "call" | "sync",
  call: (how: { readonly fails?: boolean }) => T,
) => Promise<T>

/** The file calls of one process. */
export function fileCalls(disk: Disk, carry: Carry): FileApi {
  const call = <T>(name: string, path: string, make: () => T) => carry(`${name} ${path}`, "call", make)
  return {
    open: async (path, flags) => opened(await call("open", path, () => disk.open(path, flags)), path, carry),
    mkdir: (path) => call("mkdir", path, () => disk.mkdir(path)),
    rename: (from, to) => call("rename", `${from} ${to}`, () => disk.rename(from, to)),
    link: (existing, created) => call("link", `${existing} ${created}`, () => disk.link(existing, created)),
    unlink: (path) => call("unlink", path, () => disk.unlink(path)),
    rmdir: (path) => call("rmdir", path, () => disk.rmdir(path)),
    lstat: (path) => call("lstat", path, () => disk.stat(path)),
    stat: (path) => call("stat", path, () => disk.stat(path)),
    readdir: (path) => call("readdir", path, () => disk.readdir(path)),
    realpath: (path) =>
      call("realpath", path, () => {
        disk.stat(path)
        return path
      }),
  }
}

function opened(node: OpenNode, path: string, carry: Carry): OpenFile {
  const call = <T>(name: string, make: () => T) => carry(`${name} ${path}`, "call", make)
  const sync = () => {
    const end = node.beginSync()
    return carry(`of ${path}`, "sync", ({ fails = false }) => end(fails))
  }
  return {
    write: async (buffer, offset = 0, length = buffer.byteLength - offset, position) => ({
      bytesWritten: await call("write", () => node.write([buffer.subarray(offset, offset + length)], position)),
    }),
    writev: async (buffers, position) => ({ bytesWritten: await call("write", () => node.write(buffers, position)) }),
    read: async (buffer, offset, length, position) => ({
      bytesRead: await call("read", () => node.read(buffer, offset, length, position)),
    }),
    stat: () => call("fstat", () => node.stat()),
    truncate: (length) => call("truncate", () => node.truncate(length)),
    utimes: (_, mtime) => call("utimes", () => node.utimes(mtime)),
    datasync: () => call("datasync", () => undefined),
    sync,
    close: () => call("close", () => undefined),
  }
}
