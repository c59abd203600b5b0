import { createHash } from "node:crypto"
import { open, readFile, unlink } from "node:fs/promises"
import { join } from "node:path"
import { chunksOf, MiB } from "../lib/content.mjs"

// The lower bounds of a save: to hash its bytes, and to write them to the disk.

/**
 * @param {number} size bytes
 * @returns {import("../lib/interleave.mjs").Subject}
 */
export function hashAlone(size) {
  const chunks = chunksOf(size, MiB)
  return {
    name: "hash alone",
    note: "SHA-256 of the same chunks in memory",
    async run() {
      const hash = createHash("sha256")
      for (const chunk of chunks) hash.update(chunk)
      hash.digest()
    },
  }
}

/**
 * @param {number} size bytes
 * @param {string} folder
 * @param {() => Promise<unknown>} settle
 * @returns {import("../lib/interleave.mjs").Subject}
 */
export function writeAndSyncAlone(size, folder, settle) {
  const chunks = chunksOf(size, MiB)
  const path = (/** @type {number} */ round) => join(folder, `alone-${round}.bin`)
  return {
    name: "write + fsync alone",
    note: "one file, gathered writes of 8 MiB, one fsync at its end",
    before: settle,
    async run(round) {
      const file = await open(path(round), "wx")
      try {
        for (let at = 0; at < chunks.length; at += 8) await writeAll(file, chunks.slice(at, at + 8))
        await file.sync()
      } finally {
        await file.close()
      }
    },
    // The latest file stays, as with the stores. To write where a file was removed a moment ago would cost the
    // disk, and the memory of a virtual machine, less.
    after: async (round) => (round > 0 ? unlink(path(round - 1)) : undefined),
  }
}

/**
 * @param {string} path
 * @param {(path: string) => Promise<unknown>} before
 * @returns {import("../lib/interleave.mjs").Subject}
 */
export function readThenHash(path, before) {
  return {
    name: "read, then hash",
    note: "the whole file into memory, then SHA-256",
    before: () => before(path),
    run: async () =>
      createHash("sha256")
        .update(await readFile(path))
        .digest(),
  }
}

/**
 * @param {import("node:fs/promises").FileHandle} file
 * @param {Uint8Array[]} chunks
 */
async function writeAll(file, chunks) {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  const { bytesWritten } = await file.writev(chunks)
  if (bytesWritten === size) return
  const rest = Buffer.concat(chunks).subarray(bytesWritten)
  for (let done = 0; done < rest.length; ) done += (await file.write(rest, done)).bytesWritten
}
