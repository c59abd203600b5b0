import type { BigIntStats } from "node:fs"
import { constants } from "node:fs"
import type { Entry, FileApi, OpenFile } from "../../src/files/file-api.js"

/**
 * A filesystem in memory, with the answers of Linux to the calls that this package makes. It is quick, and two runs of one script
 * make the same calls in the same order; so a test may stop at each of them in turn. memory-files.test.ts holds it against the
 * real filesystem.
 */

interface FileNode {
  readonly kind: "file"
  readonly ino: bigint
  readonly born: bigint
  changed: bigint
  names: number
  data: Buffer
}

interface FolderNode {
  readonly kind: "folder"
  readonly ino: bigint
  readonly born: bigint
  changed: bigint
  readonly entries: Map<string, Node>
}

type Node = FileNode | FolderNode

const microsecond = 1000n

export class MemoryFiles implements FileApi {
  #root: FolderNode
  #inodes = 0n
  /** Nanoseconds since 1970: a call takes a microsecond. */
  #time = 1_700_000_000_000_000_000n

  constructor() {
    this.#root = this.#folder()
  }

  /** The time by the clock of this filesystem, in milliseconds since 1970. */
  get now(): number {
    return Number(this.#time / 1_000_000n)
  }

  pass(ms: number): void {
    this.#time += BigInt(ms) * 1_000_000n
  }

  /** A filesystem of its own that holds the same. Files open here are not open there. */
  copy(): MemoryFiles {
    const copied = new MemoryFiles()
    const seen = new Map<Node, Node>()
    const copyOf = (node: Node): Node => {
      const known = seen.get(node)
      if (known !== undefined) return known
      const entries = new Map<string, Node>()
      const made: Node = node.kind === "file" ? { ...node } : { ...node, entries }
      seen.set(node, made)
      if (node.kind === "folder") for (const [name, child] of node.entries) entries.set(name, copyOf(child))
      return made
    }
    copied.#root = copyOf(this.#root) as FolderNode
    copied.#inodes = this.#inodes
    copied.#time = this.#time
    return copied
  }

  /** Puts a file, or a folder if the path ends in "/", with the folders above it. */
  plant(path: string, content: Uint8Array | string = ""): void {
    const names = path.split("/").filter((name) => name !== "")
    let folder = this.#root
    for (const [depth, name] of names.entries()) {
      const isFile = depth === names.length - 1 && !path.endsWith("/")
      const found = folder.entries.get(name)
      const next = isFile ? this.#file(Buffer.from(content)) : (found ?? this.#folder())
      if (next !== found) folder.entries.set(name, next)
      if (next.kind === "folder") folder = next
    }
  }

  /** Each file by its path, and each folder by its path and "/". */
  *contents(above = "/", folder = this.#root): Generator<readonly [path: string, content: Buffer | undefined]> {
    for (const [name, node] of folder.entries) {
      if (node.kind === "file") yield [above + name, node.data]
      else {
        yield [`${above}${name}/`, undefined]
        yield* this.contents(`${above}${name}/`, node)
      }
    }
  }

  async open(path: string, flags: string | number): Promise<OpenFile> {
    this.#tick()
    const [parent, name] = this.#parent("open", path)
    const found = this.#at(parent, name)
    if (flags === "wx") {
      if (found !== undefined) throw failure("EEXIST", "open", path)
      const made = this.#file(Buffer.alloc(0))
      this.#enter("open", path, parent, name, made)
      return this.#opened(made, "w")
    }
    if (typeof flags === "string" && flags !== "r") throw new Error(`the flags ${flags} are not known here`)
    const bits = typeof flags === "number" ? flags : constants.O_RDONLY
    if (found === undefined) throw failure("ENOENT", "open", path)
    if (found.kind === "file" && (bits & constants.O_DIRECTORY) !== 0) throw failure("ENOTDIR", "open", path)
    const isWritable = (bits & (constants.O_WRONLY | constants.O_RDWR)) !== 0
    if (found.kind === "folder" && isWritable) throw failure("EISDIR", "open", path)
    return this.#opened(found, (bits & constants.O_RDWR) !== 0 ? "rw" : isWritable ? "w" : "r")
  }

  async mkdir(path: string): Promise<void> {
    this.#tick()
    const [parent, name] = this.#parent("mkdir", path)
    if (this.#at(parent, name) !== undefined) throw failure("EEXIST", "mkdir", path)
    this.#enter("mkdir", path, parent, name, this.#folder())
  }

  async rename(from: string, to: string): Promise<void> {
    this.#tick()
    const [parent, name] = this.#parent("rename", from)
    const [target, newName] = this.#parent("rename", to)
    const moved = this.#at(parent, name)
    if (moved === undefined) throw failure("ENOENT", "rename", from)
    const there = this.#at(target, newName)
    if (there === moved) return
    if (moved.kind === "folder" && `${to}/`.startsWith(`${from}/`)) throw failure("EINVAL", "rename", from)
    if (`${from}/`.startsWith(`${to}/`)) throw failure("ENOTEMPTY", "rename", to)
    if (there?.kind === "folder") {
      if (moved.kind === "file") throw failure("EISDIR", "rename", to)
      if (there.entries.size > 0) throw failure("ENOTEMPTY", "rename", to)
    } else if (there !== undefined && moved.kind === "folder") throw failure("ENOTDIR", "rename", to)
    if (there?.kind === "file") there.names--
    parent.entries.delete(name)
    parent.changed = this.#time
    this.#enter("rename", to, target, newName, moved)
  }

  async link(existing: string, created: string): Promise<void> {
    this.#tick()
    const [parent, name] = this.#parent("link", existing)
    const node = this.#at(parent, name)
    if (node === undefined) throw failure("ENOENT", "link", existing)
    const [target, newName] = this.#parent("link", created)
    if (this.#at(target, newName) !== undefined) throw failure("EEXIST", "link", created)
    if (node.kind === "folder") throw failure("EPERM", "link", existing)
    node.names++
    this.#enter("link", created, target, newName, node)
  }

  async unlink(path: string): Promise<void> {
    this.#tick()
    const [parent, name] = this.#parent("unlink", path)
    const node = this.#at(parent, name)
    if (node === undefined) throw failure("ENOENT", "unlink", path)
    if (node.kind === "folder") throw failure("EISDIR", "unlink", path)
    node.names--
    parent.entries.delete(name)
    parent.changed = this.#time
  }

  async rmdir(path: string): Promise<void> {
    this.#tick()
    const [parent, name] = this.#parent("rmdir", path)
    const node = this.#at(parent, name)
    if (node === undefined) throw failure("ENOENT", "rmdir", path)
    if (node.kind === "file") throw failure("ENOTDIR", "rmdir", path)
    if (node.entries.size > 0) throw failure("ENOTEMPTY", "rmdir", path)
    parent.entries.delete(name)
    parent.changed = this.#time
  }

  async lstat(path: string): Promise<BigIntStats> {
    this.#tick()
    return statsOf(this.#find("lstat", path))
  }

  async stat(path: string): Promise<BigIntStats> {
    this.#tick()
    return statsOf(this.#find("stat", path))
  }

  async readdir(path: string): Promise<Entry[]> {
    this.#tick()
    const node = this.#find("scandir", path)
    if (node.kind === "file") throw failure("ENOTDIR", "scandir", path)
    return [...node.entries].map(([name, { kind }]) => ({ name, isDirectory: () => kind === "folder" }))
  }

  async realpath(path: string): Promise<string> {
    this.#tick()
    this.#find("realpath", path)
    return path
  }

  #opened(node: Node, may: "r" | "w" | "rw"): OpenFile {
    let isOpen = true
    const fileOf = (call: string, needs: "r" | "w", otherwise: "EBADF" | "EINVAL"): FileNode => {
      this.#tick()
      if (!isOpen) throw failure("EBADF", call)
      if (!may.includes(needs)) throw failure(otherwise, call)
      if (node.kind === "folder") throw failure("EISDIR", call)
      return node
    }
    const write = (call: string, bytes: Uint8Array, position: number): number => {
      const file = fileOf(call, "w", "EBADF")
      const end = Math.max(file.data.length, position + bytes.length)
      const data = Buffer.alloc(end)
      data.set(file.data)
      data.set(bytes, position)
      file.data = data
      file.changed = this.#time
      return bytes.length
    }
    let place = 0
    return {
      write: async (buffer, offset = 0, length = buffer.byteLength - offset, position = place) => {
        const bytesWritten = write("write", buffer.subarray(offset, offset + length), position)
        place = position + bytesWritten
        return { bytesWritten }
      },
      writev: async (buffers, position) => ({ bytesWritten: write("writev", Buffer.concat(buffers), position) }),
      read: async (buffer, offset, length, position) => {
        const taken = fileOf("read", "r", "EBADF").data.subarray(position, position + length)
        buffer.set(taken, offset)
        return { bytesRead: taken.length }
      },
      stat: async () => {
        this.#tick()
        return statsOf(node)
      },
      truncate: async (length) => {
        const file = fileOf("ftruncate", "w", "EINVAL")
        file.data = Buffer.concat([file.data.subarray(0, length)], length)
        file.changed = this.#time
      },
      utimes: async (_, mtime) => {
        this.#tick()
        node.changed = BigInt(Math.round(mtime * 1e6)) * microsecond
      },
      datasync: async () => this.#tick(),
      sync: async () => this.#tick(),
      close: async () => {
        if (!isOpen) throw failure("EBADF", "close")
        isOpen = false
      },
    }
  }

  #tick(): void {
    this.#time += microsecond
  }

  #file(data: Buffer): FileNode {
    return { kind: "file", ino: ++this.#inodes, born: this.#time, changed: this.#time, names: 1, data }
  }

  #folder(): FolderNode {
    return { kind: "folder", ino: ++this.#inodes, born: this.#time, changed: this.#time, entries: new Map() }
  }

  #enter(call: string, path: string, parent: FolderNode, name: string, node: Node): void {
    if (Buffer.byteLength(name) > 255) throw failure("ENAMETOOLONG", call, path)
    parent.entries.set(name, node)
    parent.changed = this.#time
  }

  #find(call: string, path: string): Node {
    const [parent, name] = this.#parent(call, path)
    const node = this.#at(parent, name)
    if (node === undefined) throw failure("ENOENT", call, path)
    return node
  }

  /** The name "" is the folder itself. */
  #at(parent: FolderNode, name: string): Node | undefined {
    return name === "" ? parent : parent.entries.get(name)
  }

  #parent(call: string, path: string): [FolderNode, string] {
    const names = path.split("/").filter((name) => name !== "")
    const last = names.pop() ?? ""
    let folder = this.#root
    for (const name of names) {
      const next = folder.entries.get(name)
      if (next === undefined) throw failure("ENOENT", call, path)
      if (next.kind === "file") throw failure("ENOTDIR", call, path)
      folder = next
    }
    return [folder, last]
  }
}

function failure(code: string, syscall: string, path?: string): NodeJS.ErrnoException {
  const where = path === undefined ? "" : ` '${path}'`
  return Object.assign(new Error(`${code}: ${syscall}${where}`), { code, syscall, ...(path !== undefined && { path }) })
}

function statsOf(node: Node): BigIntStats {
  const isFile = node.kind === "file"
  const { changed, born } = node
  const ms = changed / 1_000_000n
  const [mtime, birthtime] = [new Date(Number(ms)), new Date(Number(born / 1_000_000n))]
  const no = () => false
  return {
    dev: 1n,
    ino: node.ino,
    mode: isFile ? 0o100644n : 0o40755n,
    nlink: isFile ? BigInt(node.names) : 1n,
    uid: 0n,
    gid: 0n,
    rdev: 0n,
    size: isFile ? BigInt(node.data.length) : 4096n,
    blksize: 4096n,
    blocks: 8n,
    atimeMs: ms,
    mtimeMs: ms,
    ctimeMs: ms,
    birthtimeMs: born / 1_000_000n,
    atimeNs: changed,
    mtimeNs: changed,
    ctimeNs: changed,
    birthtimeNs: born,
    atime: mtime,
    mtime,
    ctime: mtime,
    birthtime,
    isFile: () => isFile,
    isDirectory: () => !isFile,
    isSymbolicLink: no,
    isFIFO: no,
    isSocket: no,
    isBlockDevice: no,
    isCharacterDevice: no,
  }
}
