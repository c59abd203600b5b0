import { dirname } from "node:path"
import { BackendError, type OtherWriter } from "@ckpt/core"
import { throwIfAborted } from "../files/errors.js"
import type { FileApi } from "../files/file-api.js"
import { lookUp, namesIn } from "../files/file-info.js"
import { NewFile } from "../files/new-file.js"
import { at, isWriterSign, writerOf } from "../files/paths.js"
import { pidIn, processTag } from "../files/process-identity.js"
import { registry } from "../files/registry.js"
import { type Access, fenced } from "./fence.js"

/**
 * Lets processes that write without a claim know of each other. Each makes an empty file in the folder that it writes to, once for
 * all its stores; the name of the file tells the process. First the sign, then the look: of two processes that begin at once, at
 * least one sees the other. Nothing is synced, since no sign outlives its process in meaning.
 *
 * Only advice: no rule of claim.ts rests on it.
 */
export class WriterSigns {
  readonly #access: Access
  /** The folders with a sign of which this is a holder. */
  readonly #folders = new Set<string>()

  constructor(access: Access) {
    this.#access = access
  }

  /**
   * Makes the sign in a folder below the root, and gives the other living processes that have one there; `undefined` if the folder
   * is not there.
   *
   * @param refuse rejects with `fenced` if there is another one; this process then writes nothing, and takes its sign back
   */
  async announce(
    folders: readonly string[],
    refuse: boolean,
    signal: AbortSignal | undefined,
  ): Promise<OtherWriter[] | undefined> {
    throwIfAborted(signal)
    // Without a tag, nobody could tell whether the process lives.
    if (processTag() === undefined) return []
    const { root, fence } = this.#access
    const real = await root.resolve()
    const place = real === undefined ? undefined : await root.locate(real, [...folders, "object"])
    const folder = place === undefined ? undefined : dirname(place)
    if (folder === undefined || (await lookUp(root.files, folder))?.isDirectory() !== true) return undefined
    try {
      await fence.check(real, folders)
    } catch (error) {
      // The claims say who writes here, and this process does not.
      if (error instanceof BackendError && error.kind === "fenced") return []
      throw error
    }
    await this.#sign(folder)
    const others = await othersIn(root.files, folder)
    const [first] = others
    if (!refuse || first === undefined) return others
    await this.#withdraw(folder)
    throw fenced(
      `process ${first.pid} has been writing to ${folder} since ${first.since.toISOString()}, and secondWriter is "refuse"`,
    )
  }

  /** Takes all signs back. A sign that cannot be removed now is found by the next writer, once this process has ended. */
  async withdraw(): Promise<void> {
    for (const folder of this.#folders) await this.#withdraw(folder)
  }

  async #sign(folder: string): Promise<void> {
    const { files } = this.#access.root
    const known = registry.signs.get(folder)
    const sign = known ?? { holders: new Set(), made: make(files, folder) }
    registry.signs.set(folder, sign)
    sign.holders.add(this)
    this.#folders.add(folder)
    const path = await sign.made
    // Somebody may have cleared the folder since.
    if (known !== undefined && (path === undefined || (await lookUp(files, path)) === undefined)) {
      sign.made = make(files, folder)
      await sign.made
    }
  }

  async #withdraw(folder: string): Promise<void> {
    this.#folders.delete(folder)
    const sign = registry.signs.get(folder)
    if (sign?.holders.delete(this) !== true || sign.holders.size > 0) return
    registry.signs.delete(folder)
    const path = await sign.made
    if (path !== undefined) await this.#access.root.files.unlink(path).catch(() => undefined)
  }
}

/** The path of a new sign; `undefined` where none can be made, for example on a full disk. */
async function make(files: FileApi, folder: string): Promise<string | undefined> {
  try {
    const file = await NewFile.createTemporary(files, folder, "writer")
    await file.close()
    return file.path
  } catch {
    return undefined
  }
}

/** The living processes but this one that have a sign in the folder. Signs of processes that have ended are removed. */
async function othersIn(files: FileApi, folder: string): Promise<OtherWriter[]> {
  const others: OtherWriter[] = []
  for (const name of (await namesIn(files, folder)).filter(isWriterSign)) {
    const life = writerOf(name)
    if (life !== "lives" && life !== "ended") continue
    const path = at(folder, name)
    const info = await lookUp(files, path)
    // Whatever else has such a name was not made by this package.
    if (info?.isFile() !== true) continue
    if (life === "ended") await files.unlink(path).catch(() => undefined)
    else others.push({ pid: pidIn(name), since: info.mtime, where: folder })
  }
  return others
}
