import type { BigIntStats } from "node:fs"
import type { FileApi } from "../files/file-api.js"
import { versionOf } from "../files/file-info.js"
import { type FoundFile, readSmallFile } from "../files/read-small-file.js"

/** The pointers that a backend wrote last. A pointer is read only if another file has taken its place since. */
export class KnownPointers {
  readonly #known = new Map<string, FoundFile>()

  /** @param seen the description of the file at the path, if it was looked up */
  async read(files: FileApi, path: string, seen: BigIntStats | undefined): Promise<FoundFile | undefined> {
    const known = this.#known.get(path)
    const isThere = known !== undefined && seen?.isFile() === true && versionOf(seen) === known.version
    return isThere ? known : readSmallFile(files, path)
  }

  remember(path: string, pointer: FoundFile): void {
    this.#known.set(path, pointer)
  }
}
