import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { manifestToJson } from "../../../packages/core/dist/index.js"
import { MiB, manifestOf } from "../../lib/content.mjs"

// Two files for each checkpoint, the state first, as a user of these libraries would write them. None of the libraries
// hashes, syncs a directory, or keeps a pointer.

/** @typedef {import("../contender.mjs").Contender} Contender */

/**
 * @param {(name: string, data: Uint8Array | string) => Promise<unknown>} write
 * @param {(name: string) => Promise<unknown>} read
 * @returns {import("../contender.mjs").Session}
 */
function twoFiles(write, read) {
  return {
    async save(id, chunks) {
      if (chunks !== undefined) await write(`state-${id}.bin`, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
      await write(`manifest-${id}.json`, manifestToJson(manifestOf(id)))
    },
    load: async (id, hasState) => [await read(`manifest-${id}.json`), hasState && (await read(`state-${id}.bin`))],
    close: async () => {},
  }
}

const maxBytes = 512 * MiB

/** @type {Contender[]} */
export const fileLibraries = [
  {
    name: "write-file-atomic",
    package: "write-file-atomic",
    note: "two files; file synced before its rename, no directory",
    maxBytes,
    async open(folder) {
      const { default: writeFileAtomic } = await import("write-file-atomic")
      return twoFiles(
        (name, data) =>
          writeFileAtomic(
            join(folder, name),
            typeof data === "string" ? data : Buffer.from(data.buffer, data.byteOffset, data.length),
          ),
        (name) => readFile(join(folder, name)),
      )
    },
  },
  {
    name: "atomically",
    package: "atomically",
    note: "two files; default options",
    maxBytes,
    async open(folder) {
      const { writeFile } = await import("atomically")
      return twoFiles(
        (name, data) =>
          writeFile(
            join(folder, name),
            typeof data === "string" ? data : Buffer.from(data.buffer, data.byteOffset, data.length),
          ),
        (name) => readFile(join(folder, name)),
      )
    },
  },
  {
    name: "unstorage (fs)",
    package: "unstorage",
    note: "two keys of the fs driver; written in place",
    maxBytes,
    async open(folder) {
      const { createStorage } = await import("unstorage")
      const { default: fsDriver } = await import("unstorage/drivers/fs")
      const storage = createStorage({ driver: fsDriver({ base: folder }) })
      const session = twoFiles(
        (name, data) => storage.setItemRaw(name, data),
        (name) => storage.getItemRaw(name),
      )
      return { ...session, close: () => storage.dispose() }
    },
  },
  {
    name: "flydrive (fs)",
    package: "flydrive",
    note: "two keys of the fs driver; written in place",
    maxBytes,
    async open(folder) {
      const { Disk } = await import("flydrive")
      const { FSDriver } = await import("flydrive/drivers/fs")
      const disk = new Disk(new FSDriver({ location: folder, visibility: "private" }))
      return twoFiles(
        (name, data) => disk.put(name, data),
        (name) => disk.getBytes(name),
      )
    },
  },
]
