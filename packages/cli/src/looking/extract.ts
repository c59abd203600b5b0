import { createHash } from "node:crypto"
import { createWriteStream } from "node:fs"
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { type Checkpoint, CheckpointError, manifestToJson, type StateReader } from "@ckpt/core"

/** One file of an extracted checkpoint. */
export interface ExtractedFile {
  /** Its path in the folder. */
  readonly path: string
  readonly bytes: number
  /** The operator whose state it holds; absent for the manifest and the one state. */
  readonly operator?: string
}

/**
 * Writes a checkpoint into a folder: `manifest.json`, and `operators/NAME` for each operator or `state.bin`. The folder appears
 * under its name once every byte of it was verified.
 *
 * @throws {CheckpointError} `CKPT_CONFLICT` if the folder holds something; the codes of reading a state
 */
export async function extract(checkpoint: Checkpoint, folder: string, signal: AbortSignal): Promise<ExtractedFile[]> {
  await assertFree(folder)
  await mkdir(dirname(folder), { recursive: true })
  const unfinished = await mkdtemp(`${folder}.unfinished-`)
  try {
    const files = await write(checkpoint, unfinished, signal)
    // A folder that is there is empty. Windows does not replace it.
    await rmdir(folder).catch(() => {})
    await rename(unfinished, folder)
    return files
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw error
  }
}

async function assertFree(folder: string): Promise<void> {
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return []
    throw error
  })
  if (there.length === 0) return
  throw new CheckpointError("CKPT_CONFLICT", `${folder} is not empty; give a folder that is not there yet.`)
}

async function write(checkpoint: Checkpoint, folder: string, signal: AbortSignal): Promise<ExtractedFile[]> {
  const manifest = manifestToJson(checkpoint.manifest)
  await writeFile(join(folder, "manifest.json"), manifest, { signal, flush: true })
  const files: ExtractedFile[] = [{ path: "manifest.json", bytes: Buffer.byteLength(manifest) }]
  if (checkpoint.operators.length > 0) await mkdir(join(folder, "operators"))
  for (const name of checkpoint.operators) {
    const path = join("operators", fileNameOf(name))
    files.push({
      path,
      bytes: await save(await checkpoint.operatorStream(name), join(folder, path), signal),
      operator: name,
    })
  }
  const state = checkpoint.operators.length === 0 ? await checkpoint.state() : undefined
  if (state !== undefined)
    files.push({ path: "state.bin", bytes: await save(state, join(folder, "state.bin"), signal) })
  return files
}

async function save(reader: StateReader, path: string, signal: AbortSignal): Promise<number> {
  await pipeline(reader, createWriteStream(path, { flags: "wx", flush: true }), { signal })
  return reader.size
}

/** Beyond this the name of a file is too long for some filesystem, with what is put behind it. */
const longestName = 100

/** Some filesystems take "Window" and "window" for one name, drop a dot at the end, or keep names such as "con" for devices. */
const isSpecial = /[A-Z]|\.$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/

/**
 * A name of a file for the name of an operator, which may hold any character: `..`, a slash, a line break. Letters, digits, `_`, `-`
 * and `.` stay; everything else is `%` and its UTF-8 bytes in hex. A long name is cut, and told apart by its hash.
 */
export function fileNameOf(name: string): string {
  const plain = Array.from(name.slice(0, 4 * longestName), (character) =>
    /^[A-Za-z0-9_-]$/.test(character) || (character === "." && !name.startsWith("."))
      ? character
      : `%${Buffer.from(character).toString("hex").toUpperCase().match(/../g)?.join("%")}`,
  ).join("")
  if (plain !== "" && plain.length <= longestName && !isSpecial.test(plain)) return plain
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 16)
  return `${plain.slice(0, longestName).replaceAll(".", "%2E")}~${hash}`
}
