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
   * Writes an epoch's lines where no reader looks. Durable when it resolves: the checkpoint will rely on it. What an
   * epoch that came to nothing left there is replaced when the epoch is staged again.
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
   * Makes a staged epoch visible; doing it again changes nothing. After a fall back to an older checkpoint an epoch can
   * be staged that was published before: then the bytes must be the same ones, since somebody may have read them.
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
    // Even if the file was there already: the crash may have come before this.
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

/** A created, renamed or removed name is durable only once its folder is. Windows has no such call, nor needs it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return
  const handle = await open(folder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
