import { randomBytes } from "node:crypto"
import { link, lstat, open, rename, rm, stat } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import { Refused } from "./exit.js"

type NamingFiles = { readonly link: typeof link; readonly rename: typeof rename }

/**
 * Writes a file that appears under its name once it is whole, and never takes the place of another.
 *
 * @param options.files the file calls that give the name, for tests of filesystems that lack hard links
 * @returns its bytes
 * @throws {Refused} if the name is taken
 */
export async function writeWhole(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  { signal, files = { link, rename } }: { readonly signal: AbortSignal; readonly files?: NamingFiles },
): Promise<number> {
  // The end of a long export is a bad time to hear of it.
  if (await isThere(path)) throw taken(path)
  // In containers, two processes may have the same number.
  const unfinished = `${path}.unfinished-${randomBytes(8).toString("hex")}`
  const file = await open(unfinished, "wx")
  try {
    // The stream closes the file.
    await pipeline(chunks, file.createWriteStream({ flush: true }), { signal })
    const { size } = await stat(unfinished)
    await publish(files, unfinished, path)
    return size
  } finally {
    await rm(unfinished, { force: true })
  }
}

/** A link fails if the name is taken meanwhile; a rename would replace what is there. */
async function publish(files: NamingFiles, unfinished: string, path: string): Promise<void> {
  try {
    await files.link(unfinished, path)
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException
    if (code === "EEXIST") throw taken(path)
    // A filesystem without hard links, such as FAT: whoever takes the name between the look and the rename loses their file.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code)) throw error
    if (await isThere(path)) throw taken(path)
    await files.rename(unfinished, path)
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false
    throw error
  }
}

function taken(path: string): Refused {
  return new Refused(`${path} is there already; give another name.`)
}
