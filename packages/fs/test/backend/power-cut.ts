import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64"
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus"
import type { FileApi } from "../../src/files/file-api.js"
import { changed, nodeFiles } from "../../src/files/file-api.js"
import type { Call, Watch, Watched } from "./watched-files.js"
import { errno, watchFiles } from "./watched-files.js"

/**
 * What a disk may hold after a power cut. The calls of a run are recorded on a model of names and inodes; each change of a
 * directory is pending until a sync of that directory that began after it has ended, each byte until a sync of its file.
 *
 * A sync of a directory may stall, and may fail. It has taken the changes from before its beginning: while it is under way, and
 * for ever if it fails, no other sync makes these changes durable, since the system calls the directory clean.
 */

interface FileNode {
  readonly kind: "file"
  data: Buffer
  dirty: boolean
}

interface Change {
  readonly seq: number
  readonly remove?: string
  readonly add?: readonly [name: string, node: Node]
  /** By a sync that is under way, or that failed. */
  readonly taken?: boolean
}

/** How a sync of a directory goes that stalls. */
export type Fate = "ends" | "fails"

interface DirectoryNode {
  readonly kind: "directory"
  readonly live: Map<string, Node>
  readonly durable: Map<string, Node>
  pending: Change[]
}

type Node = FileNode | DirectoryNode

/**
 * Path → content; `undefined` for content that was never synced: it may be empty, cut or garbage. A folder has its path and "/", and no
 * content.
 */
export type Tree = Map<string, string | undefined>

export const models = ["any subset per directory", "a prefix per directory", "one global journal"] as const
export type Model = (typeof models)[number]

const directory = (): DirectoryNode => ({ kind: "directory", live: new Map(), durable: new Map(), pending: [] })

export class Disk {
  readonly #base: string
  readonly #root = directory()
  readonly #open = new Map<number, Node>()
  readonly #syncsBegun = new Map<number, number>()
  readonly #inOrder: FileApi
  #seq = 0
  #syncs = 0
  #journaled = 0

  /** `base`, empty, and all above it are durable. `files` makes the calls. */
  constructor(base: string, files: FileApi = nodeFiles) {
    this.#base = base
    this.#inOrder = changesInOrder(files)
  }

  /** Changes whenever a cut may leave other trees than before. */
  get version(): string {
    return `${this.#seq} ${this.#syncs}`
  }

  /** File calls of one process, made for real and recorded here. A call that `hangs` is never made: the process is dead. */
  files(
    options: {
      hangs?(call: Call): boolean
      skip?(call: Call): boolean
      /** The call is not made and fails like this. */
      fails?(call: Call): string | undefined
      /** A sync of a directory stalls until this resolves; `undefined`: it does not stall, and ends well. */
      stall?(call: Call): Promise<Fate> | undefined
      each?(): void
    } = {},
  ): Watched {
    // Numbers of open files are those of one watch; a second process has its own.
    const ours = new Map<number, number>()
    const handle = (call: Call) => {
      const file = call.file ?? -1
      if (!ours.has(file)) ours.set(file, Disk.#handles++)
      return ours.get(file)!
    }
    const watch: Watch = {
      before: (call) => {
        if (options.hangs?.(call)) return new Promise(() => undefined)
        const code = options.fails?.(call)
        if (code !== undefined) throw errno(code)
        if (call.name !== "sync") return undefined
        this.#syncsBegun.set(handle(call), this.#seq)
        const node = this.#open.get(handle(call))
        const fate = node?.kind === "directory" ? options.stall?.(call) : undefined
        return node?.kind === "directory" && fate !== undefined ? stall(node, fate) : undefined
      },
      skip: (call) => options.skip?.(call) ?? false,
      after: (call) => {
        if (call.name !== "sync" || !options.skip?.(call)) this.#record(call, handle(call))
        options.each?.()
      },
    }
    return watchFiles(watch, this.#inOrder)
  }

  static #handles = 0

  #record(call: Call, handle: number): void {
    switch (call.name) {
      case "open": {
        if (call.flags === "wx") this.#change(call.path, { kind: "file", data: Buffer.alloc(0), dirty: true })
        const node = this.#find(call.path)
        if (node !== undefined) this.#open.set(handle, node)
        break
      }
      case "mkdir":
        this.#change(call.path, directory())
        break
      case "unlink":
      case "rmdir":
        this.#change(call.path, undefined)
        break
      case "link":
        this.#change(call.to ?? "", this.#find(call.path))
        break
      case "rename":
        this.#rename(call.path, call.to ?? "")
        break
      case "write":
      case "writev": {
        const node = this.#open.get(handle)
        if (node?.kind !== "file") throw new Error(`${call.path} is not a file of the model`)
        const bytes = Buffer.concat(call.buffers ?? [])
        const position = call.position ?? node.data.length
        const end = Math.max(node.data.length, position + bytes.length)
        node.data = Buffer.concat([node.data], end)
        node.data.set(bytes, position)
        node.dirty = true
        this.#seq++
        break
      }
      case "truncate": {
        const node = this.#open.get(handle)
        if (node?.kind !== "file") throw new Error(`${call.path} is not a file of the model`)
        node.data = node.data.subarray(0, call.position)
        node.dirty = true
        this.#seq++
        break
      }
      case "datasync":
        // Counts for nothing: what is written later it does not cover, so a file is durable by its last sync alone.
        break
      case "sync":
        this.#sync(this.#open.get(handle), this.#syncsBegun.get(handle) ?? 0)
        break
    }
  }

  #rename(from: string, to: string): void {
    const [parent, name] = this.#parent(from)
    const [target, newName] = this.#parent(to)
    const node = parent.live.get(name)
    if (node === undefined) throw new Error(`${from} is not in the model`)
    const seq = ++this.#seq
    if (parent === target) {
      this.#apply(parent, { seq, remove: name, add: [newName, node] })
      return
    }
    // One step of the journal; without one, each directory keeps its half for itself.
    this.#apply(target, { seq, add: [newName, node] })
    this.#apply(parent, { seq, remove: name })
  }

  #sync(node: Node | undefined, begun: number): void {
    this.#syncs++
    if (node?.kind === "file") node.dirty = false
    if (node?.kind !== "directory") return
    for (const change of node.pending) {
      if (change.seq > begun || change.taken) continue
      applyTo(node.durable, change)
      // What was written anew no longer depends on what was taken before.
      node.pending = node.pending.map((one) => (one.taken && one.seq < change.seq ? without(one, change) : one))
      this.#journaled = Math.max(this.#journaled, change.seq)
    }
    node.pending = node.pending.filter(({ seq, taken }) => seq > begun || taken)
  }

  #change(path: string, node: Node | undefined): void {
    const [parent, name] = this.#parent(path)
    this.#apply(
      parent,
      node === undefined ? { seq: ++this.#seq, remove: name } : { seq: ++this.#seq, add: [name, node] },
    )
  }

  #apply(parent: DirectoryNode, change: Change): void {
    applyTo(parent.live, change)
    parent.pending.push(change)
  }

  #parent(path: string): [DirectoryNode, string] {
    const cut = path.lastIndexOf("/")
    const parent = this.#find(path.slice(0, cut))
    if (parent?.kind !== "directory") throw new Error(`${path} is outside of the model`)
    return [parent, path.slice(cut + 1)]
  }

  /** `undefined` outside of the base: what is above it was there before. */
  #find(path: string): Node | undefined {
    if (path !== this.#base && !path.startsWith(`${this.#base}/`)) return undefined
    let node: Node | undefined = this.#root
    for (const name of path.slice(this.#base.length).split("/").slice(1))
      node = node?.kind === "directory" ? node.live.get(name) : undefined
    return node
  }

  /** Every tree that a cut right now may leave, or `atMost` of them at random. */
  *states(model: Model, atMost: number, random: () => number): Generator<Tree> {
    const changed = this.#changed(this.#root, new Set())
    if (model === "one global journal") {
      // Changes reach the disk in order; whatever is older than a synced one is there too.
      const seqs = changed
        .flatMap(({ pending }) => pending.map(({ seq }) => seq))
        .filter((seq) => seq > this.#journaled)
      for (const last of [this.#journaled, ...seqs]) yield treeOf(this.#root, (change) => change.seq <= last)
      return
    }
    const sizes = changed.map(({ pending }) =>
      model === "a prefix per directory" ? pending.length + 1 : 2 ** pending.length,
    )
    const total = sizes.reduce((product, size) => product * size, 1)
    for (let n = 0; n < Math.min(total, atMost); n++) {
      let code = total <= atMost ? n : Math.floor(random() * total)
      const kept = new Set<Change>()
      for (const [index, { pending }] of changed.entries()) {
        const size = sizes[index] ?? 1
        const choice = code % size
        code = Math.floor(code / size)
        for (const [at, change] of pending.entries()) {
          if (model === "a prefix per directory" ? at < choice : (choice >> at) & 1) kept.add(change)
        }
      }
      yield treeOf(this.#root, (change) => kept.has(change))
    }
  }

  #changed(node: Node, seen: Set<Node>): DirectoryNode[] {
    if (node.kind === "file" || seen.has(node)) return []
    seen.add(node)
    const children = [
      ...node.durable.values(),
      ...node.pending.flatMap(({ add }) => (add === undefined ? [] : [add[1]])),
    ]
    return [...(node.pending.length > 0 ? [node] : []), ...children.flatMap((child) => this.#changed(child, seen))]
  }
}

/** Changes of names one at a time: what two threads finish together may be reported the other way round. */
function changesInOrder(files: FileApi): FileApi {
  let tail: Promise<unknown> = Promise.resolve()
  const next = <T>(call: () => Promise<T>): Promise<T> => {
    const result = tail.then(call)
    tail = result.catch(() => undefined)
    return result
  }
  return changed(files, {
    open: (path, flags, mode) => next(() => files.open(path, flags, mode)),
    mkdir: (path) => next(() => files.mkdir(path)),
    rename: (from, to) => next(() => files.rename(from, to)),
    link: (from, to) => next(() => files.link(from, to)),
    unlink: (path) => next(() => files.unlink(path)),
    rmdir: (path) => next(() => files.rmdir(path)),
  })
}

/** A sync of a directory takes its changes, and stalls. */
async function stall(node: DirectoryNode, fate: Promise<Fate>): Promise<void> {
  const taken = new Set(node.pending.filter((change) => !change.taken).map(({ seq }) => seq))
  const set = (value: boolean) => {
    node.pending = node.pending.map((one) => (taken.has(one.seq) ? { ...one, taken: value } : one))
  }
  set(true)
  if ((await fate) === "fails") throw errno("EIO")
  set(false)
}

/** A change without the names that a later change has written anew. */
function without({ seq, taken, remove, add }: Change, later: Change): Change {
  const anew = [later.remove, later.add?.[0]]
  return {
    seq,
    ...(taken !== undefined && { taken }),
    ...(remove !== undefined && !anew.includes(remove) && { remove }),
    ...(add !== undefined && !anew.includes(add[0]) && { add }),
  }
}

function applyTo(entries: Map<string, Node>, { remove, add }: Change): void {
  if (remove !== undefined) entries.delete(remove)
  if (add !== undefined) entries.set(add[0], add[1])
}

function treeOf(root: DirectoryNode, keeps: (change: Change) => boolean, above = "", tree: Tree = new Map()): Tree {
  const entries = new Map(root.durable)
  for (const change of root.pending) if (keeps(change)) applyTo(entries, change)
  for (const [name, node] of entries) {
    if (node.kind === "directory") treeOf(node, keeps, `${above}${name}/`, tree.set(`${above}${name}/`, ""))
    else tree.set(above + name, node.dirty ? undefined : node.data.toString())
  }
  return tree
}

/** Numbers from 0 to below 1: a failure can be repeated from its seed. */
export function seeded(seed: number): () => number {
  const generator = xoroshiro128plus(seed)
  return () => uniformFloat64(generator)
}
