import { join } from "node:path"
import { chunksOf, KiB, MiB, manifestOf } from "../lib/content.mjs"
import { SequentialPort } from "./sequential-port.mjs"

/**
 * A library that can keep a checkpoint: a state of bytes, and a manifest.
 *
 * @typedef {object} Session
 * @property {(id: number, chunks: readonly Uint8Array[] | undefined) => Promise<unknown>} save resolves when it says it is safe
 * @property {(id: number, hasState: boolean) => Promise<unknown>} load manifest, and every byte of the state
 * @property {() => Promise<unknown>} [recover]
 * @property {(id: number) => Promise<unknown>} [remove]
 * @property {() => Promise<unknown>} close
 */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} package whose version is shown; empty for what is of this repository
 * @property {string} note what one save is
 * @property {number} maxBytes the longest state that is worth trying
 * @property {number} [chunkBytes] how the state is cut, default 1 MiB
 * @property {(folder: string) => Promise<Session>} open
 */

/** @type {Contender} */
export const ckpt = {
  name: "ckpt",
  package: "",
  note: "state, manifest and pointer; checksummed; created only if absent",
  maxBytes: Number.POSITIVE_INFINITY,
  async open(folder) {
    const { openFsStore } = await import("../../packages/fs/dist/index.js")
    return sessionOf(await openFsStore(folder))
  },
}

/**
 * @param {import("../../packages/core/dist/index.js").CheckpointStore} store
 * @returns {Session}
 */
function sessionOf(store) {
  return {
    save: (id, chunks) => store.save(manifestOf(id), chunks === undefined ? {} : { state: chunks }),
    async load(id, hasState) {
      if (!hasState) return store.loadLatest()
      const state = await store.readState(id)
      if (state === undefined) throw new Error(`checkpoint ${id} has no state`)
      let bytes = 0
      for await (const chunk of state) bytes += chunk.length
      return bytes
    },
    recover: () => store.recover(),
    remove: (id) => store.remove(id),
    close: () => store.close(),
  }
}

/**
 * The same store over the example of a storage by somebody else: one file, and one transaction for state, manifest and pointer.
 *
 * @type {Contender}
 */
export const ckptOnLmdb = {
  name: "ckpt on lmdb",
  package: "",
  note: "examples/custom-backend: the same three objects in one transaction of one file",
  maxBytes: 256 * MiB,
  async open(folder) {
    const { openCheckpointStore } = await import("../../packages/core/dist/index.js")
    const { lmdbBackend, openLmdb } = await import("../../examples/custom-backend/dist/index.js")
    const file = openLmdb(join(folder, "checkpoints.mdb"))
    const store = await openCheckpointStore({ backend: lmdbBackend(file) })
    return {
      ...sessionOf(store),
      async close() {
        await store.close()
        await file.env.close()
      },
    }
  },
}

/** @type {Contender} */
export const ckptSmallChunks = {
  ...ckpt,
  name: "ckpt, 4 KiB chunks",
  chunkBytes: 4 * KiB,
  note: "the same state in 4 KiB chunks",
}

/** @type {Contender} */
export const port = {
  name: "sequential port",
  package: "",
  note: "the original's calls one by one: temporary file, sync, rename, sync of the directory, three times",
  maxBytes: Number.POSITIVE_INFINITY,
  async open(folder) {
    const store = new SequentialPort(folder)
    return {
      save: (id, chunks) => store.saveWithState(manifestOf(id), chunks),
      load: async (id, hasState) => [await store.loadLatest(), hasState && (await store.loadState(id))],
      recover: () => store.recover(),
      remove: async (id) => {
        const { rm } = await import("node:fs/promises")
        await rm(store.checkpoint(id), { recursive: true })
      },
      close: async () => {},
    }
  },
}

/** @type {Contender} */
export const portSmallChunks = {
  ...port,
  name: "sequential port, 4 KiB chunks",
  chunkBytes: 4 * KiB,
  note: "one write for each chunk",
}

/**
 * @param {Contender} contender
 * @param {number} size bytes; 0 is a manifest without a state
 */
export function stateFor(contender, size) {
  return size === 0 ? undefined : chunksOf(size, contender.chunkBytes ?? MiB)
}
