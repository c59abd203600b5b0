import type { BigIntStats } from "node:fs"
import type { CommitBatch } from "@ckpt/core"
import { runCallerCode } from "../files/errors.js"
import type { FileApi } from "../files/file-api.js"
import { lookUp, refuseForeign, versionOf } from "../files/file-info.js"
import type { Move } from "../files/publish.js"
import type { KnownPointers } from "./known-pointers.js"
import type { Stage } from "./stage.js"

/**
 * The pointer's part of a commit. The new content is decided before the sync, so that one sync covers it too. It is decided
 * again under the lock, if another save moved the pointer meanwhile.
 */
export class PointerMove {
  readonly #files: FileApi
  readonly #pointers: KnownPointers
  readonly #stage: Stage
  readonly #decide: NonNullable<CommitBatch["pointer"]>["decide"] | undefined
  readonly #path: string | undefined
  #staged: Uint8Array | undefined
  #decidedOn: string | undefined
  /** The version of the file that was staged first. */
  #version: string | undefined

  constructor(files: FileApi, pointers: KnownPointers, stage: Stage, batch: CommitBatch, path: string | undefined) {
    this.#files = files
    this.#pointers = pointers
    this.#stage = stage
    this.#decide = batch.pointer?.decide.bind(batch.pointer)
    this.#path = path
  }

  /** @param seen the description of the current pointer, from a look just before */
  async stage(seen: BigIntStats | undefined): Promise<void> {
    const bytes = await this.#decided(seen)
    if (bytes === undefined) await this.#stage.dropPointer()
    else await this.#stage.writePointer(bytes)
    // A copy: the caller may use its buffer again before this commit has the lock.
    this.#staged = bytes?.slice()
  }

  /** Stamps the staged file, once it is written, and notes its version. */
  async describe(): Promise<void> {
    const info = await this.#stage.pointer?.stamp()
    this.#version = info && versionOf(info)
  }

  /** To be called once the staged pointer is in its place and durable. */
  remember(): void {
    if (this.#path === undefined || this.#version === undefined || this.#staged === undefined) return
    this.#pointers.remember(this.#path, { version: this.#version, bytes: this.#staged })
  }

  /**
   * The moves of the pointer. Runs under the lock: another save may have moved it meanwhile. `isNew`: its file was made
   * only now.
   */
  async settle(): Promise<{ readonly moves: Move[]; readonly isNew: boolean }> {
    if (this.#path === undefined) return { moves: [], isNew: false }
    const isUnmoved = await this.#isUnmoved()
    if (!isUnmoved) await refuseForeign(this.#files, this.#path)
    const bytes = isUnmoved ? this.#staged : await this.#decided()
    const isStaged = bytes !== undefined && this.#staged !== undefined && Buffer.compare(bytes, this.#staged) === 0
    if (!isStaged) {
      this.#version = undefined
      await this.#stage.dropPointer()
    }
    if (bytes === undefined) return { moves: [], isNew: false }
    if (!isStaged) {
      const file = await this.#stage.writePointer(bytes)
      await file.mark()
      await file.sync()
      await file.close()
    }
    const from = this.#stage.pointer?.path
    return { moves: from === undefined ? [] : [{ how: "replace", from, to: this.#path }], isNew: !isStaged }
  }

  /** True if the file that the decision was made on is still there; then the decision is the same too. */
  async #isUnmoved(): Promise<boolean> {
    if (this.#decidedOn === undefined || this.#path === undefined) return false
    const info = await lookUp(this.#files, this.#path)
    return info?.isFile() === true && versionOf(info) === this.#decidedOn
  }

  async #decided(seen?: BigIntStats): Promise<Uint8Array | undefined> {
    const path = this.#path
    const decide = this.#decide
    if (path === undefined || decide === undefined) return undefined
    const current = await this.#pointers.read(this.#files, path, seen)
    this.#decidedOn = current?.version
    return runCallerCode(() => decide(current))
  }
}
