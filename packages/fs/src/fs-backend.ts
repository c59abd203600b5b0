import type {
  Body,
  CommitBatch,
  DeleteFailure,
  GetOptions,
  Leftover,
  ObjectBackend,
  ObjectContent,
  ObjectMeta,
  PutOptions,
  RequestOptions,
} from "@ckpt/core"
import { commitBatch } from "./commit-batch.js"
import { deleteObjects } from "./delete-objects.js"
import { Directories } from "./directories.js"
import type { FileApi } from "./file-api.js"
import { nodeFiles } from "./file-api.js"
import { translated } from "./fs-errors.js"
import type { LeftoverOptions } from "./leftovers.js"
import { findLeftovers } from "./leftovers.js"
import { listObjects } from "./list-objects.js"
import { putObject } from "./put-object.js"
import { getObject, headObject } from "./read-file.js"
import { Root } from "./root.js"

export interface FsBackendOptions {
  /** The calls to make instead of those of `node:fs/promises`: for tests that count, fail or record them. */
  files?: FileApi | undefined
}

/**
 * Objects as files below one folder, `{root}/{key}`. Nothing is created or looked at before the first call, and nothing is
 * created before the first write. Conditions other than `"absent"` hold among all callers of this process, whatever
 * backend object they use, and not among processes.
 */
export class FsBackend implements ObjectBackend {
  readonly name = "fs"
  readonly capabilities = { conditionalReplace: false, maxDeleteBatch: 1000 } as const
  readonly #root: Root
  readonly #directories: Directories

  constructor(root: string, options: FsBackendOptions = {}) {
    this.#root = new Root(root, options.files ?? nodeFiles)
    this.#directories = new Directories(this.#root)
  }

  put(key: string, body: Body, options: PutOptions = {}): Promise<ObjectMeta> {
    return this.#do("write", key, () => putObject(this.#root, this.#directories, key, body, options))
  }

  get(key: string, options: GetOptions = {}): Promise<ObjectContent | undefined> {
    return this.#do("read", key, () => getObject(this.#root, key, options))
  }

  head(key: string, options: RequestOptions = {}): Promise<ObjectMeta | undefined> {
    return this.#do("look at", key, () => headObject(this.#root, key, options.signal))
  }

  async *list(prefix: string, options: RequestOptions = {}): AsyncGenerator<ObjectMeta> {
    const objects = listObjects(this.#root, prefix, options.signal)
    for (;;) {
      const step = await this.#do("list", prefix, () => objects.next())
      if (step.done) return
      yield step.value
    }
  }

  delete(keys: readonly string[], options: RequestOptions = {}): Promise<DeleteFailure[]> {
    return this.#do("remove objects", "", () => deleteObjects(this.#root, keys, options.signal))
  }

  /** Files are stamped by this machine's clock (a network filesystem's server may differ by what its administrator allows). */
  async now(options: RequestOptions = {}): Promise<Date> {
    options.signal?.throwIfAborted()
    return new Date()
  }

  leftovers(options: LeftoverOptions): Promise<Leftover[]> {
    return this.#do("look for leftovers", options.prefix, () => findLeftovers(this.#root, options))
  }

  commit(batch: CommitBatch, options: RequestOptions = {}): Promise<ObjectMeta[] | "unsupported"> {
    const keys = batch.create.map(({ key }) => key).join(", ")
    return this.#do("write", keys, () => commitBatch(this.#root, this.#directories, batch, options.signal))
  }

  /** Nothing is held between calls. */
  async [Symbol.asyncDispose](): Promise<void> {}

  #do<T>(doing: string, what: string, operation: () => Promise<T>): Promise<T> {
    return translated(doing, what === "" ? `in ${this.#root.path}` : `${what} in ${this.#root.path}`, operation)
  }
}
