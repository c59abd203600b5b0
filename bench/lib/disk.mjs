import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readdir, rm, statfs } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** The folder in which everything of one run lies. */
export class Workplace {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder
    this.count = 0
  }

  /** @param {string | undefined} parent where to measure; default the system's folder for temporary files */
  static async create(parent) {
    if (parent !== undefined) await mkdir(parent, { recursive: true })
    return new Workplace(await mkdtemp(join(parent ?? tmpdir(), "ckpt-bench-")))
  }

  /** A new, empty folder. */
  async fresh() {
    const path = join(this.folder, `${++this.count}`)
    await mkdir(path)
    return path
  }

  /** @param {number} bytes */
  async hasRoomFor(bytes) {
    const { bavail, bsize } = await statfs(this.folder)
    return bavail * bsize > bytes
  }

  /** Waits until all written bytes are on the disk: no contender's dirty pages may cost another contender time. */
  async settle() {
    await run("sync", ["-f", this.folder])
  }

  /** Makes room for the next measurement. */
  async clear() {
    for (const name of await readdir(this.folder)) await rm(join(this.folder, name), { recursive: true, force: true })
  }

  async remove() {
    await rm(this.folder, { recursive: true, force: true })
  }
}

/**
 * Takes a file out of the page cache, so that the next read comes from the disk.
 *
 * @param {string} path
 */
export async function forget(path) {
  await run("dd", [`if=${path}`, "iflag=nocache", "count=0", "status=none"])
}
