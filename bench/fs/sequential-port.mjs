import { createHash } from "node:crypto"
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { manifestToJson, parseManifest } from "../../packages/core/dist/index.js"

// The checkpoint store that this project follows, call by call. For state, manifest and pointer, one after the other: a
// temporary file, its sync, its rename, and a sync of the directory. The whole state is hashed before it is written,
// and read before it is hashed. Left out are its code for Windows and its log lines.

const digits = 6

/** A store on the same layout, with the sequence of system calls of the original. */
export class SequentialPort {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder
  }

  /**
   * @param {import("../../packages/core/dist/index.js").CheckpointManifest} manifest
   * @param {readonly Uint8Array[] | undefined} chunks
   */
  async saveWithState(manifest, chunks) {
    if (chunks === undefined) return this.save(manifest)
    const hash = createHash("sha256")
    for (const chunk of chunks) hash.update(chunk)
    const stateChecksum = hash.digest("hex")
    await this.saveState(manifest.checkpointId, chunks)
    return this.save({ ...manifest, stateChecksum })
  }

  /**
   * @param {number} id
   * @param {readonly Uint8Array[]} chunks
   */
  async saveState(id, chunks) {
    await mkdir(this.checkpoint(id), { recursive: true })
    const path = this.statePath(id)
    const temporary = `${path}.tmp`
    const file = await open(temporary, "w")
    try {
      for (const chunk of chunks) await writeAll(file, chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncDirectory(this.checkpoint(id))
  }

  /** @param {import("../../packages/core/dist/index.js").CheckpointManifest} manifest */
  async save(manifest) {
    const id = manifest.checkpointId
    await mkdir(this.checkpoint(id), { recursive: true })
    await replace(this.manifestPath(id), manifestToJson(manifest))
    const latest = join(this.folder, "checkpoints", "latest.txt")
    await mkdir(dirname(latest), { recursive: true })
    await replace(latest, nameOf(id))
  }

  async loadLatest() {
    const name = (await readFile(join(this.folder, "checkpoints", "latest.txt"), "utf8")).trim()
    return this.load(Number(name.slice("checkpoint_".length)))
  }

  /** @param {number} id */
  async load(id) {
    return parseManifest(Buffer.from(await readFile(this.manifestPath(id), "utf8")))
  }

  /** @param {number} id */
  async loadState(id) {
    return readFile(this.statePath(id))
  }

  /** The latest checkpoint whose state has the checksum that its manifest names. */
  async recover() {
    for (const id of (await this.ids()).reverse()) {
      const manifest = await this.load(id)
      if (manifest.stateChecksum === null) return id
      const state = await this.loadState(id)
      if (createHash("sha256").update(state).digest("hex") === manifest.stateChecksum) return id
    }
    return undefined
  }

  async ids() {
    const entries = await readdir(join(this.folder, "checkpoints"), { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory() && entry.name.startsWith("checkpoint_"))
      .map((entry) => Number(entry.name.slice("checkpoint_".length)))
      .sort((a, b) => a - b)
  }

  async list() {
    const found = []
    for (const id of await this.ids()) {
      try {
        found.push((await this.load(id)).epoch)
      } catch {
        // A missing or damaged manifest is not listed.
      }
    }
    return found
  }

  /** @param {number} keep */
  async prune(keep) {
    const ids = await this.ids()
    for (const id of ids.slice(0, Math.max(0, ids.length - keep))) await rm(this.checkpoint(id), { recursive: true })
  }

  /** @param {number} id */
  checkpoint(id) {
    return join(this.folder, "checkpoints", nameOf(id))
  }

  /** @param {number} id */
  manifestPath(id) {
    return join(this.checkpoint(id), "manifest.json")
  }

  /** @param {number} id */
  statePath(id) {
    return join(this.checkpoint(id), "state.bin")
  }
}

/** @param {number} id */
function nameOf(id) {
  return `checkpoint_${String(id).padStart(digits, "0")}`
}

/**
 * @param {string} path
 * @param {string} text
 */
async function replace(path, text) {
  const temporary = `${path}.tmp`
  await writeFile(temporary, text)
  const file = await open(temporary, "r+")
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncDirectory(dirname(path))
}

/** @param {string} path */
async function syncDirectory(path) {
  const directory = await open(path, "r")
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/**
 * @param {import("node:fs/promises").FileHandle} file
 * @param {Uint8Array} chunk
 */
async function writeAll(file, chunk) {
  for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten
}
