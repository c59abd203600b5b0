// A sink that takes part in checkpoints in two steps: `stage` before the checkpoint, `publish` after it. Readers look
// at *.jsonl only, so they see an epoch as a whole, once, and only after the checkpoint that covers it is safe.

import { mkdir, open, readFile, rename, rm } from "node:fs/promises"
import { dirname, join } from "node:path"

const stagedSuffix = ".staged"

export function epochFileName(epoch: number): string {
  return `epoch-${String(epoch).padStart(6, "0")}.jsonl`
}

export class EpochFiles {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(folder: string): Promise<EpochFiles> {
    await mkdir(folder, { recursive: true })
    await syncFolder(dirname(folder))
    return new EpochFiles(folder)
  }

  /**
   * Writes an epoch's lines where no reader looks. When this resolves the file is durable: the checkpoint relies on it.
   * If a crash left a staged file, it is replaced when the epoch is staged again.
   */
  async stage(epoch: number, lines: readonly string[]): Promise<void> {
    const handle = await open(this.#file(epoch) + stagedSuffix, "w")
    try {
      await handle.writeFile(lines.map((line) => `${line}\n`).join(""))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await syncFolder(this.#folder)
  }

  /**
   * Makes a staged epoch visible; a second call changes nothing. After a fall back to an older checkpoint an epoch may
   * be staged that is published already. Then the bytes must be the same, since somebody may have read them.
   */
  async publish(epoch: number): Promise<void> {
    const file = this.#file(epoch)
    const [staged, published] = await Promise.all([readIfThere(file + stagedSuffix), readIfThere(file)])
    if (published === undefined && staged === undefined) throw new Error(`epoch ${epoch} was never staged: ${file}`)
    if (published === undefined) {
      await rename(file + stagedSuffix, file)
    } else if (staged !== undefined) {
      if (!staged.equals(published)) throw new Error(`a replay of epoch ${epoch} came to another result: ${file}`)
      await rm(file + stagedSuffix)
    }
    // Needed even if the file was there already: a crash may have come before this sync.
    await syncFolder(this.#folder)
  }

  #file(epoch: number): string {
    return join(this.#folder, epochFileName(epoch))
  }
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}

/** A created, renamed or removed name is durable only once its folder is synced. Windows neither has nor needs that. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return
  const handle = await open(folder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
