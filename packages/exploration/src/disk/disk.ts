import type { BigIntStats } from "node:fs"
import { constants } from "node:fs"

interface FileNode {
  readonly kind: "file"
  readonly ino: number
  readonly bornNs: bigint
  /** Replaced by each write, and never written to. */
  data: Uint8Array
  /** What a power cut leaves for sure. */
  durable: Uint8Array
  links: number
  mtimeNs: bigint
}

interface DirectoryNode {
  readonly kind: "directory"
  readonly ino: number
  readonly bornNs: bigint
  readonly names: Map<string, Node>
  /** What a power cut leaves for sure, and of which change that is. */
  readonly durable: Map<string, { readonly seq: number; readonly node: Node | undefined }>
  /** Changes that no sync has made durable yet, oldest first. */
  pending: { readonly seq: number; readonly name: string; readonly node: Node | undefined; readonly isLost: boolean }[]
  mtimeNs: bigint
}

type Node = FileNode | DirectoryNode

/** A file as it can be seen under a path. */
export interface SeenFile {
  readonly path: string
  /** Another file has another. */
  readonly version: string
  readonly bytes: Uint8Array
  readonly mtimeMs: number
}

function errno(code: string, syscall: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall} ${path}`), { code, syscall })
}

export function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === "string"
}

/**
 * A disk in memory: names, inodes, and what of them would be left by a power cut. A change of a folder is durable once a sync of that
 * folder that began later has ended; the bytes of a file, once a sync of the file that began later has.
 */
export class Disk {
  readonly #now: () => number
  readonly #root: DirectoryNode
  #inodes = 1
  #seq = 0

  constructor(now: () => number) {
    this.#now = now
    this.#root = this.#directory()
  }

  #stamp(): bigint {
    return BigInt(Math.round(this.#now())) * 1_000_000n
  }

  #directory(): DirectoryNode {
    const stamp = this.#stamp()
    return {
      kind: "directory",
      ino: this.#inodes++,
      bornNs: stamp,
      names: new Map(),
      durable: new Map(),
      pending: [],
      mtimeNs: stamp,
    }
  }

  #file(): FileNode {
    const stamp = this.#stamp()
    const empty = new Uint8Array()
    return { kind: "file", ino: this.#inodes++, bornNs: stamp, data: empty, durable: empty, links: 0, mtimeNs: stamp }
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root
    for (const name of path.split("/")) {
      if (name === "") continue
      node = node?.kind === "directory" ? node.names.get(name) : undefined
    }
    return node
  }

  #get(path: string, syscall: string): Node {
    const node = this.#find(path)
    if (node === undefined) throw errno("ENOENT", syscall, path)
    return node
  }

  #parent(path: string, syscall: string): { parent: DirectoryNode; name: string } {
    const cut = path.lastIndexOf("/")
    const parent = this.#get(path.slice(0, cut) || "/", syscall)
    if (parent.kind !== "directory") throw errno("ENOTDIR", syscall, path)
    return { parent, name: path.slice(cut + 1) }
  }

  #change(parent: DirectoryNode, name: string, node: Node | undefined): void {
    if (node === undefined) parent.names.delete(name)
    else parent.names.set(name, node)
    parent.mtimeNs = this.#stamp()
    parent.pending.push({ seq: ++this.#seq, name, node, isLost: false })
  }

  /** Makes a folder and those above it, or a file in it, all durable. */
  put(path: string, bytes: Uint8Array | undefined, mtimeMs = this.#now()): void {
    const names = path.split("/").filter((name) => name !== "")
    let node = this.#root
    for (const [depth, name] of names.entries()) {
      let next = node.names.get(name)
      if (next === undefined) {
        const isFile = bytes !== undefined && depth === names.length - 1
        next = isFile ? this.#file() : this.#directory()
        node.names.set(name, next)
        node.durable.set(name, { seq: 0, node: next })
        if (next.kind === "file" && bytes !== undefined) {
          next.data = next.durable = bytes
          next.links = 1
          next.mtimeNs = BigInt(Math.round(mtimeMs)) * 1_000_000n
        }
      }
      if (next.kind === "directory") node = next
    }
  }

  stat(path: string): BigIntStats {
    return statsOf(this.#get(path, "stat"))
  }

  mkdir(path: string): void {
    const { parent, name } = this.#parent(path, "mkdir")
    if (parent.names.has(name)) throw errno("EEXIST", "mkdir", path)
    this.#change(parent, name, this.#directory())
  }

  rename(from: string, to: string): void {
    const source = this.#parent(from, "rename")
    const target = this.#parent(to, "rename")
    const node = source.parent.names.get(source.name)
    if (node === undefined) throw errno("ENOENT", "rename", from)
    const there = target.parent.names.get(target.name)
    if (there === node) return
    if (there !== undefined) {
      if (node.kind === "file" && there.kind === "directory") throw errno("EISDIR", "rename", to)
      if (node.kind === "directory" && there.kind === "file") throw errno("ENOTDIR", "rename", to)
      if (there.kind === "directory" && there.names.size > 0) throw errno("ENOTEMPTY", "rename", to)
      if (there.kind === "file") there.links--
    }
    this.#change(target.parent, target.name, node)
    this.#change(source.parent, source.name, undefined)
  }

  link(existing: string, created: string): void {
    const node = this.#get(existing, "link")
    const { parent, name } = this.#parent(created, "link")
    if (node.kind === "directory") throw errno("EPERM", "link", existing)
    if (parent.names.has(name)) throw errno("EEXIST", "link", created)
    node.links++
    this.#change(parent, name, node)
  }

  unlink(path: string): void {
    const { parent, name } = this.#parent(path, "unlink")
    const node = parent.names.get(name)
    if (node === undefined) throw errno("ENOENT", "unlink", path)
    if (node.kind === "directory") throw errno("EISDIR", "unlink", path)
    node.links--
    this.#change(parent, name, undefined)
  }

  rmdir(path: string): void {
    const { parent, name } = this.#parent(path, "rmdir")
    const node = parent.names.get(name)
    if (node === undefined) throw errno("ENOENT", "rmdir", path)
    if (node.kind === "file") throw errno("ENOTDIR", "rmdir", path)
    if (node.names.size > 0) throw errno("ENOTEMPTY", "rmdir", path)
    this.#change(parent, name, undefined)
  }

  readdir(path: string): { name: string; isDirectory(): boolean }[] {
    const node = this.#get(path, "scandir")
    if (node.kind === "file") throw errno("ENOTDIR", "scandir", path)
    return [...node.names].map(([name, { kind }]) => ({ name, isDirectory: () => kind === "directory" }))
  }

  open(path: string, flags: string | number): OpenNode {
    if (flags === "wx") {
      const { parent, name } = this.#parent(path, "open")
      if (parent.names.has(name)) throw errno("EEXIST", "open", path)
      const file = this.#file()
      file.links = 1
      this.#change(parent, name, file)
      return this.#opened(file, path)
    }
    if (typeof flags !== "number") throw new Error(`no file is opened with ${flags}`)
    const node = this.#get(path, "open")
    if ((flags & constants.O_DIRECTORY) !== 0 && node.kind === "file") throw errno("ENOTDIR", "open", path)
    return this.#opened(node, path)
  }

  #opened(node: Node, path: string): OpenNode {
    const file = (syscall: string): FileNode => {
      if (node.kind === "directory") throw errno("EISDIR", syscall, path)
      return node
    }
    return {
      stat: () => statsOf(node),
      read: (buffer, offset, length, position) => {
        const bytes = file("read").data.subarray(position, position + length)
        buffer.set(bytes, offset)
        return bytes.length
      },
      write: (buffers, position) => {
        const written = Buffer.concat(buffers)
        const one = file("write")
        const at = position ?? one.data.length
        const data = new Uint8Array(Math.max(one.data.length, at + written.length))
        data.set(one.data)
        data.set(written, at)
        one.data = data
        one.mtimeNs = this.#stamp()
        return written.length
      },
      truncate: (length) => {
        const one = file("truncate")
        const data = new Uint8Array(length)
        data.set(one.data.subarray(0, length))
        one.data = data
      },
      utimes: (mtime) => {
        file("utimes").mtimeNs = BigInt(Math.floor(mtime * 1e6)) * 1_000n
      },
      beginSync: () => this.#beginSync(node, path),
    }
  }

  /** A sync covers what is there when it begins, and is done when it ends. One that fails has lost it: a later sync proves nothing. */
  #beginSync(node: Node, path: string): (fails: boolean) => void {
    if (node.kind === "file") {
      const { data } = node
      return (fails) => {
        if (fails) throw errno("EIO", "fsync", path)
        node.durable = data
      }
    }
    const begun = this.#seq
    return (fails) => {
      const isCovered = (seq: number) => seq <= begun
      if (fails) {
        node.pending = node.pending.map((one) => (isCovered(one.seq) ? { ...one, isLost: true } : one))
        throw errno("EIO", "fsync", path)
      }
      for (const { seq, name, node: now, isLost } of node.pending)
        if (isCovered(seq) && !isLost) node.durable.set(name, { seq, node: now })
      node.pending = node.pending.filter(({ seq, isLost }) => isLost || !isCovered(seq))
    }
  }

  /** Gives a folder another path; those above it are made. */
  move(from: string, to: string): void {
    const source = this.#parent(from, "move")
    const node = source.parent.names.get(source.name)
    this.put(to.slice(0, to.lastIndexOf("/")), undefined)
    const target = this.#parent(to, "move")
    if (node === undefined) return
    source.parent.names.delete(source.name)
    target.parent.names.set(target.name, node)
  }

  /** Every file below a folder. */
  files(folder: string): SeenFile[] {
    const found: SeenFile[] = []
    const walk = (node: Node | undefined, path: string) => {
      if (node === undefined) return
      if (node.kind === "directory") for (const [name, child] of node.names) walk(child, `${path}/${name}`)
      else {
        const version = `${node.ino}-${node.data.length}-${node.mtimeNs}`
        found.push({ path, version, bytes: node.data, mtimeMs: Number(node.mtimeNs / 1_000_000n) })
      }
    }
    walk(this.#find(folder), folder)
    return found
  }

  /** What a power cut leaves now. `below(n)`: one of n ways, 0 the plainest: what was not synced is lost. */
  cut(below: (ways: number) => number): Disk {
    const left = new Disk(this.#now)
    const copies = new Map<Node, Node>()
    const copy = (node: Node): Node => {
      const known = copies.get(node)
      if (known !== undefined) return known
      if (node.kind === "file") {
        const isWhole = node.durable === node.data || below(2) === 1
        const data = isWhole ? node.data : node.durable
        const file: FileNode = { ...node, data, durable: data }
        copies.set(node, file)
        return file
      }
      const names = new Map([...node.durable].map(([name, { seq, node: child }]) => [name, { seq, child }]))
      for (const { seq, name, node: child } of node.pending) {
        if (below(2) === 1 && (names.get(name)?.seq ?? -1) < seq) names.set(name, { seq, child })
      }
      const directory: DirectoryNode = { ...node, names: new Map(), durable: new Map(), pending: [] }
      copies.set(node, directory)
      for (const [name, { child }] of names) {
        if (child === undefined) continue
        const one = copy(child)
        directory.names.set(name, one)
        directory.durable.set(name, { seq: 0, node: one })
      }
      return directory
    }
    const root = copy(this.#root) as DirectoryNode
    for (const [name, node] of root.names) {
      left.#root.names.set(name, node)
      left.#root.durable.set(name, { seq: 0, node })
    }
    left.#inodes = this.#inodes
    return left
  }
}

/** A file or folder that is open. */
export interface OpenNode {
  stat(): BigIntStats
  read(buffer: Uint8Array, offset: number, length: number, position: number): number
  write(buffers: readonly Uint8Array[], position: number | undefined): number
  truncate(length: number): void
  /** Seconds since 1970. */
  utimes(mtime: number): void
  /** Gives the function that ends the sync, well or not. */
  beginSync(): (fails: boolean) => void
}

function statsOf(node: Node): BigIntStats {
  const isFile = node.kind === "file"
  const mtimeMs = node.mtimeNs / 1_000_000n
  const no = () => false
  return {
    dev: 1n,
    ino: BigInt(node.ino),
    nlink: isFile ? BigInt(node.links) : 2n,
    size: isFile ? BigInt(node.data.length) : 0n,
    mtimeNs: node.mtimeNs,
    mtimeMs,
    mtime: new Date(Number(mtimeMs)),
    birthtimeNs: node.bornNs,
    isFile: () => isFile,
    isDirectory: () => !isFile,
    isSymbolicLink: no,
    isFIFO: no,
    isSocket: no,
    isBlockDevice: no,
    isCharacterDevice: no,
  } as unknown as BigIntStats
}
