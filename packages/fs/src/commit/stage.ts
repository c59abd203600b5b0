import type { BigIntStats } from "node:fs"
import { together } from "@ckpt/core/adapter"
import type { FileApi } from "../files/file-api.js"
import { NewFile } from "../files/new-file.js"
import { at, newTemporaryName } from "../files/paths.js"
import { type OpenDirectory, openDirectory } from "../files/sync-directory.js"
import { writeAll } from "../files/write-behind.js"

/** A directory that is filled under a temporary name, and the new pointer beside it, under another. */
export class Stage {
  readonly path: string
  readonly files: NewFile[] = []
  /** The folder in which the stage becomes visible, opened for its sync. */
  base: OpenDirectory | undefined
  pointer: NewFile | undefined
  readonly #files: FileApi
  readonly #base: string
  #directory: OpenDirectory | undefined
  #directoryOpen = false

  private constructor(files: FileApi, base: string) {
    this.#files = files
    this.#base = base
    this.path = at(base, newTemporaryName("stage"))
  }

  /**
   * Opens all handles before a body is touched. A body can be read only once; a lack of handles passes, and the caller
   * can try again.
   */
  static async open(files: FileApi, base: string, names: readonly string[], withPointer: boolean): Promise<Stage> {
    const stage = new Stage(files, base)
    try {
      await together([stage.#openBase(), stage.#make(names), withPointer ? stage.#newPointer() : undefined])
      return stage
    } catch (error) {
      await stage.discard()
      await stage.closeBase()
      throw error
    }
  }

  async #openBase(): Promise<void> {
    this.base = await openDirectory(this.#files, this.#base)
  }

  async #make(names: readonly string[]): Promise<void> {
    await this.#files.mkdir(this.path)
    const opened = names.map(async (name, index) => {
      this.files[index] = await NewFile.create(this.#files, at(this.path, name))
    })
    await together([this.#openDirectory(), ...opened])
  }

  async #openDirectory(): Promise<void> {
    this.#directory = await openDirectory(this.#files, this.path)
    this.#directoryOpen = this.#directory !== undefined
  }

  async #newPointer(): Promise<NewFile> {
    this.pointer = await NewFile.createTemporary(this.#files, this.#base, "latest")
    return this.pointer
  }

  /** The description of the directory. Its identity stays the same through the rename. */
  async info(): Promise<BigIntStats | undefined> {
    return this.#directory?.stat({ bigint: true })
  }

  /**
   * Syncs all at once, so that the filesystem needs one journal commit and not four. Each is synced exactly once,
   * whatever happens.
   */
  async sync(): Promise<void> {
    await together([...this.files, this.pointer, this.#directory].map((one) => one?.sync()))
  }

  /** To be called before the stage is renamed: Windows does not rename a directory with open files in it. */
  async closeToMove(): Promise<void> {
    if (process.platform !== "win32") return
    await together([...this.files.map((file) => file.close()), this.pointer?.close(), this.#closeDirectory()])
  }

  /** Everything was synced: a close that fails undoes nothing. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.files.map((file) => file.close()), this.pointer?.close(), this.#closeDirectory()])
  }

  /** Writes a pointer without a stamp or a sync, to the file that is open for it or else to a new one. */
  async writePointer(bytes: Uint8Array): Promise<NewFile> {
    const file = this.pointer ?? (await this.#newPointer())
    await writeAll(file.handle, [bytes])
    return file
  }

  async dropPointer(): Promise<void> {
    const file = this.pointer
    this.pointer = undefined
    await file?.discard()
  }

  async closeBase(): Promise<void> {
    // The folder was only read: a close that fails undoes nothing.
    await this.base?.close().catch(() => undefined)
    this.base = undefined
  }

  /** Removes everything that still has a temporary name. `leftovers` finds whatever cannot be removed now. */
  async discard(): Promise<void> {
    await this.#closeDirectory()
    // A file that could not be made is a hole in the array.
    await Promise.all(this.files.map((file) => file?.discard()))
    await this.#files.rmdir(this.path).catch(() => undefined)
    await this.dropPointer()
  }

  async #closeDirectory(): Promise<void> {
    if (!this.#directoryOpen) return
    this.#directoryOpen = false
    // The folder was only read: a close that fails undoes nothing.
    await this.#directory?.close().catch(() => undefined)
  }
}
