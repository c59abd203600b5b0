import { createManifest } from "../../packages/core/dist/index.js"
import { s3 } from "../cloud/s3.mjs"
import { MiB } from "../lib/content.mjs"

/**
 * @typedef {object} LargeState
 * @property {(id: number, state: AsyncIterable<Uint8Array>) => Promise<unknown>} save
 * @property {(id: number) => Promise<number>} restore resolves to the number of bytes
 * @property {() => unknown} close
 */

/**
 * @typedef {object} Where
 * @property {"fs" | "s3" | "s3-bare"} kind
 * @property {string} [folder]
 * @property {Record<string, string>} [server]
 * @property {string} [bucket]
 */

/**
 * @param {Where} where
 * @returns {Promise<LargeState>}
 */
export async function openLargeState({ kind, folder = "", server = {}, bucket = "" }) {
  if (kind === "s3-bare") return bareS3(server, bucket)
  const store =
    kind === "fs"
      ? await (await import("../../packages/fs/dist/index.js")).openFsStore(folder)
      : await s3.openStore(server, s3.portOf(server), bucket)
  return {
    save: (id, state) => store.save(createManifest({ checkpointId: id, epoch: id }), { state }),
    async restore(id) {
      const state = await store.readState(id)
      let bytes = 0
      for await (const chunk of state ?? []) bytes += chunk.length
      return bytes
    },
    close: () => store.close(),
  }
}

/**
 * The SDK alone, with parts of 8 MiB, four at once: its own share of memory and delay.
 *
 * @param {Record<string, string>} server
 * @param {string} bucket
 * @returns {LargeState}
 */
function bareS3(server, bucket) {
  const bare = s3.bare(server, s3.portOf(server), bucket)
  return {
    save: (id, state) => bare.uploadParts(`large-${id}`, inParts(state, 8 * MiB)),
    restore: (id) => bare.download(`large-${id}`),
    close: () => bare.close(),
  }
}

/**
 * @param {AsyncIterable<Uint8Array>} state
 * @param {number} partBytes
 */
async function* inParts(state, partBytes) {
  let part = Buffer.alloc(partBytes)
  let filled = 0
  for await (const chunk of state) {
    part.set(chunk, filled)
    filled += chunk.length
    if (filled < partBytes) continue
    yield part
    part = Buffer.alloc(partBytes)
    filled = 0
  }
  if (filled > 0) yield part.subarray(0, filled)
}
