import { dirname } from "node:path"
import type {
  AnnounceOptions,
  BackendClaim,
  BackendClaimOptions,
  Body,
  Capabilities,
  CommitBatch,
  DeleteFailure,
  GetOptions,
  Leftover,
  LeftoverOptions,
  ListRangeOptions,
  NowOptions,
  ObjectBackend,
  ObjectContent,
  ObjectMeta,
  OtherWriter,
  PutOptions,
  RequestOptions,
} from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { aBoolean, anObject, checkOptions, isRange, milliseconds, oneOf, type ShapeOf } from "@ckpt/core/adapter"
import { claimScope, type HeldClaims } from "./claim/claim.js"
import { type Access, Fence } from "./claim/fence.js"
import { silentAfterAtMost } from "./claim/holder.js"
import { scopeOf } from "./claim/scope.js"
import { WriterSigns } from "./claim/writer-signs.js"
import { commitBatch } from "./commit/commit-batch.js"
import { KnownPointers } from "./commit/known-pointers.js"
import { folderTime } from "./files/clock.js"
import { Directories } from "./files/directories.js"
import { hasErrno, throwIfAborted, translated } from "./files/errors.js"
import { changed, type FileApi, nodeFiles } from "./files/file-api.js"
import { keySegments, prefixFolders } from "./files/paths.js"
import { patient } from "./files/patient.js"
import { Root } from "./files/root.js"
import { rootPath } from "./files/root-path.js"
import { confirmObjects } from "./objects/confirm.js"
import { deleteObjects } from "./objects/delete.js"
import { getObject, headObject } from "./objects/get.js"
import { findLeftovers } from "./objects/leftovers.js"
import { listObjects } from "./objects/list.js"
import { listInOrder } from "./objects/list-in-order.js"
import { putObject } from "./objects/put.js"

/**
 * What happens if another process that lives writes to the same store without a claim.
 *
 * - `warn`: the event `second-writer` tells it, and a warning of the process.
 * - `refuse`: every change is `CKPT_FENCED`.
 */
export type SecondWriter = "warn" | "refuse"

const defaultSilentAfterMs = 10_000
const silentAfterAtLeast = 50

/** Milliseconds. A local disk may be silent for long while it flushes gigabytes. It loses no requests, as a network does. */
export const usualTimeoutMs = 5 * 60 * 1000

/** The options of an {@link FsBackend}. */
export interface FsBackendOptions {
  /**
   * After a silence of so many milliseconds, the holder of a claim may be superseded by a `claim()`: 50 or more, default 10,000. A
   * holder shows life five times in this time. If two processes differ, the longer time holds. The option decides only how long a
   * claimer waits for a process of which nothing else is known. It is no risk for data: a holder that was only slow is told
   * at its next write that it is superseded, and has changed nothing.
   */
  silentAfterMs?: number | undefined
  /**
   * Nothing is read from a root that does not exist, and it is not created: for a store that was there before, on a volume that
   * may not be mounted yet. Default false.
   */
  mustExist?: boolean | undefined
  /**
   * False: names are not synced. For filesystems that cannot sync a folder (CIFS, some FUSE filesystems), which are refused
   * otherwise. The cost: after a power cut, a save that was acknowledged may be gone, or a removed one back. Default true.
   */
  directorySync?: boolean | undefined
  /**
   * If another process that lives writes to the same store without a claim: "warn" tells it (the event `second-writer`, a warning of
   * the process), "refuse" rejects with `CKPT_FENCED` before anything is changed. Default "warn".
   */
  secondWriter?: SecondWriter | undefined
  /** Nothing is written, not even to ask the filesystem for the time. Default false. */
  readOnly?: boolean | undefined
  /** The calls to make instead of those of `node:fs/promises`: for tests that count, fail or record them. */
  files?: FileApi | undefined
}

/** The kinds of {@link FsBackendOptions}. */
export const fsBackendShape: ShapeOf<FsBackendOptions> = {
  fields: {
    silentAfterMs: milliseconds(silentAfterAtLeast, silentAfterAtMost),
    mustExist: aBoolean,
    directorySync: aBoolean,
    secondWriter: oneOf("warn", "refuse"),
    readOnly: aBoolean,
    files: anObject,
  },
}

/**
 * Objects as files below one folder, `{root}/{key}`. Nothing is looked at before the first call, and nothing is created
 * before the first write. The condition `"absent"` holds among all processes. The other conditions hold among all callers of
 * one process, whatever backend object they use; among several processes, only a claim makes them hold.
 */
export class FsBackend implements ObjectBackend {
  readonly name = "fs"
  readonly capabilities: Capabilities = { compareAndSwap: "process", maxDeleteBatch: 1000, seesEndedWriters: true }
  #root: Root
  readonly #pointers = new KnownPointers()
  readonly #silentAfterMs: number
  readonly #readOnly: boolean
  readonly #secondWriter: SecondWriter
  readonly #signs: WriterSigns
  #access: Access
  #held: HeldClaims | undefined

  /**
   * @param root the folder, as a path or a `file:` URL
   * @throws {CheckpointError} `CKPT_INVALID` for a root or options that cannot be used
   */
  constructor(root: string | URL, options: FsBackendOptions = {}) {
    checkOptions("FsBackend", options, fsBackendShape)
    const path = rootPath("FsBackend", root)
    const { files = nodeFiles, directorySync = true } = options
    const calls = process.platform === "win32" ? patient(files) : files
    this.#root = new Root(path, directorySync ? calls : changed(calls, { directorySync }), options.mustExist)
    this.#readOnly = options.readOnly ?? false
    this.#silentAfterMs = options.silentAfterMs ?? defaultSilentAfterMs
    this.#secondWriter = options.secondWriter ?? "warn"
    this.#access = { root: this.#root, directories: new Directories(this.#root), fence: new Fence(this.#root) }
    this.#signs = new WriterSigns(this.#access)
  }

  put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectMeta> {
    return this.#write(key, key, options.signal, async (check) => {
      await check()
      return putObject(this.#access, key, body, options)
    })
  }

  get(key: string, options: GetOptions = {}): Promise<ObjectContent | undefined> {
    return this.#do("read", key, () => getObject(this.#root, key, options))
  }

  head(key: string, options: RequestOptions = {}): Promise<ObjectMeta | undefined> {
    return this.#do("look at", key, () => headObject(this.#root, key, options.signal))
  }

  async *list(prefix: string, options: ListRangeOptions = {}): AsyncGenerator<ObjectMeta> {
    const objects = isRange(options)
      ? listInOrder(this.#root, prefix, options)
      : listObjects(this.#root, prefix, options.signal)
    for (;;) {
      const step = await this.#do("list", prefix, () => objects.next())
      if (step.done) return
      yield step.value
    }
  }

  delete(keys: readonly string[], options: RequestOptions = {}): Promise<DeleteFailure[]> {
    return this.#do("remove objects", "", () => deleteObjects(this.#access, keys, options.signal))
  }

  /**
   * What the filesystem stamps on a file just made beside the objects of the prefix. Where no file can be made: the time of the
   * last change there, which is earlier. With `readOnly`, and if nothing is there: the time of this process.
   */
  now(options: NowOptions = {}): Promise<Date> {
    return this.#do("ask the time", "", async () => {
      throwIfAborted(options.signal)
      const real = await this.#root.resolve()
      // The folder of the prefix; `locate` wants the name of an object in it.
      const segments = [...prefixFolders(options.prefix ?? ""), "object"]
      const path = real === undefined ? undefined : await this.#root.locate(real, segments)
      return path === undefined ? new Date() : this.#timeOf(dirname(path))
    })
  }

  /** A name is visible before the sync of its folder has made it durable. */
  confirm(keys: readonly string[], { signal }: RequestOptions = {}): Promise<void> {
    const syncs = !this.#readOnly
    return this.#do("confirm", keys.join(", "), () => confirmObjects(this.#access, keys, { signal, syncs }))
  }

  leftovers(options: LeftoverOptions): Promise<Leftover[]> {
    return this.#do("look for leftovers", options.prefix, () =>
      findLeftovers(this.#access, options, (folder) => this.#timeOf(folder)),
    )
  }

  commit(batch: CommitBatch, options: RequestOptions = {}): Promise<ObjectMeta[] | "unsupported"> {
    const keys = batch.create.map(({ key }) => key)
    // The folder of the objects is new, so nobody has claimed inside it: the folder of the pointer is the last to look
    // at.
    const where = batch.pointer?.key ?? keys[0]
    return this.#write(keys.join(", "), where, options.signal, () =>
      commitBatch({ ...this.#access, pointers: this.#pointers }, batch, options.signal),
    )
  }

  /** The claims say who leads where somebody claimed: a leader announces nothing. */
  announce({ prefix, signal }: AnnounceOptions): Promise<OtherWriter[] | undefined> {
    return this.#do("look for other writers", prefix, async () => {
      if (this.#held !== undefined) return []
      return this.#signs.announce(prefixFolders(prefix), this.#secondWriter === "refuse", signal)
    })
  }

  /**
   * Holds among the processes of one machine; see the README. It supersedes a holder that is this very process, has ended,
   * gave its claim up, or has been silent for `silentAfterMs`. Any other holder makes it reject with `fenced`. A
   * superseded holder changes nothing any more, whatever it was superseded for.
   */
  claim({ prefix, keys, signal }: BackendClaimOptions): Promise<BackendClaim> {
    return this.#do("claim", prefix, async () => {
      const scope = scopeOf(prefix, keys)
      const options = { scope, signal, silentAfterMs: this.#silentAfterMs }
      const { held, epoch, passedOver } = await claimScope(this.#root, options)
      // Claims lie in the folder, so it holds something of this store. The leader shares what is known of the root.
      this.#root.hold(scope.own)
      const { path, files } = this.#root
      const backend = new FsBackend(path, { files, silentAfterMs: this.#silentAfterMs })
      backend.#root = this.#root
      backend.#held = held
      backend.#access = { root: this.#root, directories: new Directories(this.#root), fence: held.fence }
      return { backend, epoch, passedOver }
    })
  }

  /** Gives up the claim, if this backend came from `claim`, and the sign that this process writes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#signs.withdraw()
    await this.#held?.release()
  }

  /**
   * Runs a write. Where it fails because a claim swept its temporary name away, the rejection is `fenced`. The operation
   * itself looks at the claims before it creates anything: `check` is there for that.
   */
  #write<T>(
    what: string,
    key: string | undefined,
    signal: AbortSignal | undefined,
    operation: (check: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    return this.#do("write", what, async () => {
      const folders = key === undefined ? [] : keySegments(key).slice(0, -1)
      throwIfAborted(signal)
      const check = async () => this.#access.fence.check(await this.#root.resolve(), folders)
      try {
        const written = await operation(check)
        this.#root.hold(folders)
        return written
      } catch (error) {
        if (hasErrno(error, "ENOENT") || (error instanceof BackendError && error.kind === "transient")) await check()
        throw error
      }
    })
  }

  /** Whoever only reads acts on no age, so the process's clock does. */
  async #timeOf(folder: string): Promise<Date> {
    return this.#readOnly ? new Date() : folderTime(this.#root.files, folder)
  }

  #do<T>(doing: string, what: string, operation: () => Promise<T>): Promise<T> {
    return translated(doing, what === "" ? `in ${this.#root.path}` : `${what} in ${this.#root.path}`, operation)
  }
}
