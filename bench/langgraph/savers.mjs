import { readFileSync } from "node:fs"
import { join } from "node:path"
import { s3 } from "../cloud/s3.mjs"
import { installedVersion } from "../lib/prepare.mjs"

/**
 * A checkpointer that is open, and what can be counted of it.
 *
 * @typedef {object} Opened
 * @property {any} saver
 * @property {() => Promise<{ requests?: number, written?: number }>} [counted] since whenever: requests or statements, and bytes on
 *   their way to the disk or the server
 * @property {() => Promise<number>} stored bytes of the objects or rows that are there
 * @property {() => Promise<unknown>} close
 */

/**
 * @typedef {object} Place an empty place for one chat. It may be opened again, unless it is memory
 * @property {(delayMs?: number) => Promise<Opened>} open
 */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {() => string} note
 * @property {(services: import("./services.mjs").Services) => Promise<Place>} create
 * @property {"sync" | "async"} [durability] LangGraph's; default "sync"
 */

/** @param {() => any} backend */
async function ckptOn(backend) {
  const { CkptSaver } = await import("../../packages/langgraph/dist/index.js")
  const open = backend()
  return {
    saver: new CkptSaver({ backend: open, ownsBackend: true }),
    async stored() {
      let bytes = 0
      for await (const { size } of open.list("")) bytes += size
      return bytes
    },
  }
}

/** @type {Contender} */
export const ckptOnFs = {
  name: "ckpt on fs",
  note: () => "one synced file for each object",
  async create({ workplace }) {
    const { FsBackend } = await import("../../packages/fs/dist/index.js")
    const folder = await workplace.fresh()
    return {
      async open() {
        const opened = await ckptOn(() => new FsBackend(folder))
        return { ...opened, counted: async () => ({ written: bytesWritten() }), close: () => opened.saver.close() }
      },
    }
  },
}

/** @type {Contender} */
export const ckptOnS3 = {
  name: "ckpt on S3",
  note: () => "Ceph RGW, in memory",
  async create(services) {
    const server = await services.s3()
    const bucket = await services.bucket()
    return {
      async open(delayMs = 0) {
        const line = await services.line(s3.portOf(server), delayMs)
        const opened = await ckptOn(() => s3.openBackend(server, line.port, bucket))
        const counted = async () => {
          const { requests, received } = await line.counted()
          return { requests, written: received }
        }
        return { ...opened, counted, close: () => opened.saver.close() }
      },
    }
  },
}

/** @type {Contender} */
export const ckptOnS3Async = {
  ...ckptOnS3,
  name: 'ckpt on S3, "async"',
  note: () => "LangGraph's default: a step is stored while the next one runs",
  durability: "async",
}

/**
 * @param {boolean} isFull
 * @returns {Contender}
 */
const sqliteSaver = (isFull) => ({
  name: isFull ? "SqliteSaver, FULL" : "SqliteSaver",
  note: () =>
    `${installedVersion(sqlitePackage)}: ${isFull ? "a sync for each statement" : "its default, NORMAL: few syncs"}`,
  async create({ workplace }) {
    const { SqliteSaver } = await import("@langchain/langgraph-checkpoint-sqlite")
    const file = join(await workplace.fresh(), "chat.sqlite")
    return {
      async open() {
        const saver = SqliteSaver.fromConnString(file)
        if (isFull) saver.db.pragma("synchronous = FULL")
        const sum = (/** @type {string} */ columns, /** @type {string} */ table) =>
          /** @type {number} */ (saver.db.prepare(`SELECT coalesce(sum(${columns}), 0) FROM ${table}`).pluck().get())
        return {
          saver,
          counted: async () => ({ written: bytesWritten() }),
          stored: async () =>
            sum("length(CAST(checkpoint AS BLOB)) + length(CAST(metadata AS BLOB))", "checkpoints") +
            sum("length(CAST(value AS BLOB))", "writes"),
          close: async () => saver.db.close(),
        }
      },
    }
  },
})

const sqlitePackage = "@langchain/langgraph-checkpoint-sqlite"
export const sqlite = sqliteSaver(false)
export const sqliteFull = sqliteSaver(true)

/** @type {Contender} */
export const postgres = {
  name: "PostgresSaver",
  note: () => `${installedVersion("@langchain/langgraph-checkpoint-postgres")}: fsync on`,
  async create(services) {
    const { PostgresSaver } = await import("@langchain/langgraph-checkpoint-postgres")
    const { default: pg } = await import("pg")
    const server = await services.postgres()
    const schema = `chat_${++schemas}`
    return {
      async open(delayMs) {
        const port = delayMs === undefined ? server.port : (await services.line(server.port, delayMs)).port
        const at = { host: "127.0.0.1", user: "bench", database: "postgres" }
        const pool = new pg.Pool({ ...at, port })
        let requests = 0
        pool.on("connect", (client) => {
          const query = client.query.bind(client)
          client.query = /** @type {any} */ (
            (/** @type {[any]} */ ...given) => {
              requests++
              return query(...given)
            }
          )
        })
        const saver = new PostgresSaver(pool, undefined, { schema })
        await saver.setup()
        const watcher = new pg.Pool({ ...at, port: server.port, max: 1 })
        const ask = async (/** @type {string} */ sql) => Number((await watcher.query(sql)).rows[0].bytes)
        return {
          saver,
          counted: async () => ({
            requests,
            written: await ask("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes"),
          }),
          stored: async () =>
            (await ask(`SELECT coalesce(sum(octet_length(blob)), 0) AS bytes FROM ${schema}.checkpoint_blobs`)) +
            (await ask(`SELECT coalesce(sum(octet_length(blob)), 0) AS bytes FROM ${schema}.checkpoint_writes`)) +
            (await ask(
              `SELECT coalesce(sum(octet_length(checkpoint::text) + octet_length(metadata::text)), 0) AS bytes FROM ${schema}.checkpoints`,
            )),
          async close() {
            await saver.end()
            await watcher.end()
          },
        }
      },
    }
  },
}

let schemas = 0

/** @type {Contender} */
export const memory = {
  name: "MemorySaver",
  note: () => "serializes, and stores nothing",
  async create() {
    const { MemorySaver } = await import("@langchain/langgraph")
    const saver = new MemorySaver()
    const bytes = (/** @type {unknown} */ value) => (value instanceof Uint8Array ? value.length : 0)
    const sum = (/** @type {unknown} */ value) =>
      bytes(value) ||
      (typeof value === "object" && value !== null
        ? Object.values(value).reduce((/** @type {number} */ all, one) => all + sum(one), 0)
        : 0)
    return {
      open: async () => ({
        saver,
        stored: async () => sum(saver.storage) + sum(saver.writes),
        close: async () => {},
      }),
    }
  },
}

/** Bytes that this process has given to the kernel so far, with all files. */
function bytesWritten() {
  return Number(/^wchar: (\d+)/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1])
}
