import { join } from "node:path"
import { manifestToJson } from "../../../packages/core/dist/index.js"
import { MiB, manifestOf } from "../../lib/content.mjs"

// Databases: one file, and one transaction for state and manifest if there are transactions. A log that grows by a
// record needs one sync. Separate files need one sync each, and one for every directory. So databases win at 4 KiB.

/** @typedef {import("../contender.mjs").Contender} Contender */

/** @param {readonly Uint8Array[] | undefined} chunks */
function joined(chunks) {
  if (chunks === undefined) return undefined
  const [first] = chunks
  return chunks.length === 1 ? Buffer.from(first.buffer, first.byteOffset, first.length) : Buffer.concat(chunks)
}

/** @type {Contender[]} */
export const databases = [
  {
    name: "better-sqlite3 (WAL, FULL)",
    package: "better-sqlite3",
    note: "two rows, one transaction; blocks the event loop",
    maxBytes: 512 * MiB,
    async open(folder) {
      const { default: Database } = await import("better-sqlite3")
      const db = new Database(join(folder, "checkpoints.db"))
      db.pragma("journal_mode = WAL")
      db.pragma("synchronous = FULL")
      db.exec("CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
      const put = db.prepare("INSERT INTO entries VALUES (?, ?)")
      const get = db.prepare("SELECT value FROM entries WHERE key = ?")
      const putAll = db.transaction((/** @type {number} */ id, /** @type {Buffer | undefined} */ state) => {
        if (state !== undefined) put.run(`state-${id}`, state)
        put.run(`manifest-${id}`, manifestToJson(manifestOf(id)))
      })
      return {
        save: async (id, chunks) => putAll(id, joined(chunks)),
        load: async (id, hasState) => [get.get(`manifest-${id}`), hasState && get.get(`state-${id}`)],
        close: async () => db.close(),
      }
    },
  },
  {
    name: "lmdb",
    package: "lmdb",
    note: "two values, one transaction, awaited until flushed",
    maxBytes: 512 * MiB,
    async open(folder) {
      const lmdb = await import("lmdb")
      const db = lmdb.open({ path: join(folder, "data"), encoding: "binary", mapSize: 8 * 1024 * MiB })
      return {
        async save(id, chunks) {
          const state = joined(chunks)
          await db.transaction(() => {
            if (state !== undefined) db.put(`state-${id}`, state)
            db.put(`manifest-${id}`, Buffer.from(manifestToJson(manifestOf(id))))
          })
          await db.flushed
        },
        load: async (id, hasState) => [db.get(`manifest-${id}`), hasState && db.get(`state-${id}`)],
        close: () => db.close(),
      }
    },
  },
  {
    name: "classic-level (sync)",
    package: "classic-level",
    note: "two values, one batch",
    maxBytes: 512 * MiB,
    async open(folder) {
      const { ClassicLevel } = await import("classic-level")
      const db = new ClassicLevel(join(folder, "level"), { valueEncoding: "buffer", compression: false })
      await db.open()
      return {
        async save(id, chunks) {
          const state = joined(chunks)
          const batch = [{ type: "put", key: `manifest-${id}`, value: Buffer.from(manifestToJson(manifestOf(id))) }]
          if (state !== undefined) batch.unshift({ type: "put", key: `state-${id}`, value: state })
          await db.batch(/** @type {any} */ (batch), { sync: true })
        },
        load: async (id, hasState) => [await db.get(`manifest-${id}`), hasState && (await db.get(`state-${id}`))],
        close: () => db.close(),
      }
    },
  },
  {
    name: "keyv + sqlite",
    package: "@keyv/sqlite",
    note: "two values, two statements; bytes as base64 in JSON",
    maxBytes: MiB,
    async open(folder) {
      const { Keyv } = await import("keyv")
      const { default: KeyvSqlite } = await import("@keyv/sqlite")
      const store = new KeyvSqlite({ uri: `sqlite://${join(folder, "keyv.sqlite")}` })
      const keyv = new Keyv({ store })
      return {
        async save(id, chunks) {
          if (chunks !== undefined) await keyv.set(`state-${id}`, joined(chunks))
          await keyv.set(`manifest-${id}`, manifestToJson(manifestOf(id)))
        },
        load: async (id, hasState) => [await keyv.get(`manifest-${id}`), hasState && (await keyv.get(`state-${id}`))],
        close: () => keyv.disconnect(),
      }
    },
  },
  {
    name: "langgraph-checkpoint-sqlite",
    package: "@langchain/langgraph-checkpoint-sqlite",
    note: "one row; state as base64 in a channel; blocks the event loop",
    maxBytes: MiB,
    async open(folder) {
      const { SqliteSaver } = await import("@langchain/langgraph-checkpoint-sqlite")
      const { emptyCheckpoint } = await import("@langchain/langgraph-checkpoint")
      const saver = SqliteSaver.fromConnString(join(folder, "langgraph.sqlite"))
      /** @param {number} id */
      const idOf = (id) => `1ef0-${String(id).padStart(12, "0")}`
      return {
        async save(id, chunks) {
          const checkpoint = {
            ...emptyCheckpoint(),
            id: idOf(id),
            channel_values: { manifest: manifestToJson(manifestOf(id)), state: joined(chunks)?.toString("base64") },
          }
          const config = { configurable: { thread_id: "job", checkpoint_ns: "" } }
          await saver.put(config, checkpoint, /** @type {any} */ ({ source: "loop", step: id, parents: {} }))
        },
        load: (id) =>
          saver.getTuple({ configurable: { thread_id: "job", checkpoint_ns: "", checkpoint_id: idOf(id) } }),
        close: async () => saver.db.close(),
      }
    },
  },
]
