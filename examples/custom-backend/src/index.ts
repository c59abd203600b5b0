import { randomUUID } from "node:crypto"
import { constants } from "node:os"
import { BackendError, type Body, type ObjectBackend, type ObjectMeta } from "@ckpt/core"
import { untilAborted } from "@ckpt/core/adapter"
import { open } from "lmdb"

/** An object lies in rows of so many bytes: its reader has one row in memory. A writer has the whole body, up to a limit. */
const rowBytes = 1024 * 1024
const mostBytes = 256 * rowBytes

/** All but the bytes. The id names the rows and is the version: it is random, so that no other content ever has it. */
type Entry = { readonly id: string; readonly size: number; readonly at: number }
const metaOf = (key: string, { id, size, at }: Entry) => ({ key, size, version: id, lastModified: new Date(at) })

/** Opens a file, once in each process: LMDB's lock would wait for itself. Close `env` after the stores over it. */
export function openLmdb(path: string) {
  // By default a commit is visible before it is durable, and one that fails rejects a promise that nobody has.
  const env = open({ path, overlappingSync: false, eventTurnBatching: false })
  const objects = env.openDB<Entry, string>({ name: "objects", encoding: "json" })
  const rows = env.openDB<Uint8Array, [id: string, row: number]>({ name: "rows", encoding: "binary" })
  return { env, objects, rows }
}

/** A storage in one file, which several processes of a machine may have open. */
export function lmdbBackend({ env, objects, rows }: ReturnType<typeof openLmdb>): ObjectBackend {
  /** Sees all that any process has committed by now. Without the turn, a loop of reads would let no write go on. */
  async function reading<T>(look: () => T, signal: AbortSignal | undefined): Promise<T> {
    await new Promise((resolve) => setImmediate(resolve))
    signal?.throwIfAborted()
    env.resetReadTxn()
    return new Promise<T>((resolve) => resolve(look())).catch(failed)
  }

  /** Does all of `work` or nothing, alone among all processes. It is durable once this resolves. */
  async function transaction<T>(work: () => T, signal: AbortSignal | undefined): Promise<T> {
    // An abort has answered the caller. The transaction that comes later does nothing.
    const done = env.childTransaction(() => (signal?.aborted ? (undefined as T) : work()))
    return untilAborted(done.catch(failed), signal)
  }

  function write(key: string, bytes: Uint8Array): ObjectMeta {
    remove(key)
    const entry = { id: randomUUID(), size: bytes.length, at: Date.now() }
    for (let at = 0; at < bytes.length; at += rowBytes)
      rows.putSync([entry.id, at / rowBytes], bytes.subarray(at, at + rowBytes))
    objects.putSync(key, entry)
    return metaOf(key, entry)
  }

  function remove(key: string): void {
    const { id = "", size = 0 } = objects.get(key) ?? {}
    for (let at = 0; at < size; at += rowBytes) rows.removeSync([id, at / rowBytes])
    objects.removeSync(key)
  }

  return {
    name: "lmdb",
    capabilities: { compareAndSwap: "storage", maxDeleteBatch: 1000 },
    async put(key, body, { when, signal } = {}) {
      const bytes = await untilAborted(take(key, body, signal), signal)
      return transaction(() => {
        const found = objects.get(key)?.id
        if (when === "absent" ? found !== undefined : when !== undefined && found !== when.version)
          throw new BackendError("precondition", `${key} ${found === undefined ? "is absent" : `has version ${found}`}`)
        return write(key, bytes)
      }, signal)
    },
    async commit({ create, pointer }, { signal } = {}) {
      const all: { key: string; bytes: Uint8Array }[] = []
      for (const { key, body } of create) all.push({ key, bytes: await untilAborted(take(key, body, signal), signal) })
      return transaction(() => {
        for (const { key } of all) if (objects.doesExist(key)) throw new BackendError("precondition", `${key} exists`)
        const metas = all.map(({ key, bytes }) => write(key, bytes))
        if (pointer === undefined) return metas
        const entry = objects.get(pointer.key)
        const old = entry && rows.getRange({ start: [entry.id], end: [entry.id, Infinity] }).map(({ value }) => value)
        const next = pointer.decide(entry && { version: entry.id, bytes: Buffer.concat([...(old ?? [])]) })
        if (next !== undefined) write(pointer.key, next)
        return metas
      }, signal)
    },
    async get(key, { range, ifVersion, signal } = {}) {
      const { offset = 0, length = Number.POSITIVE_INFINITY } = range ?? {}
      const rowAt = (id: string, at: number) => rows.get([id, Math.floor(at / rowBytes)])
      const found = await reading(() => {
        const entry = objects.get(key)
        return entry && { entry, first: rowAt(entry.id, offset) }
      }, signal)
      if (found === undefined) return undefined
      const { id, size } = found.entry
      if (offset > size || (ifVersion !== undefined && ifVersion !== id))
        throw new BackendError("precondition", `${key} has version ${id} and ${size} bytes`)
      const end = Math.min(offset + length, size)
      async function* body() {
        for (let at = offset; at < end; at += rowBytes - (at % rowBytes)) {
          const row = at === offset ? found?.first : await reading(() => rowAt(id, at), signal)
          if (row === undefined) throw new BackendError("transient", `${key} was replaced or removed while it was read`)
          yield row.subarray(at % rowBytes, (at % rowBytes) + end - at)
        }
      }
      return { meta: metaOf(key, found.entry), body: body() }
    },
    async head(key, { signal } = {}) {
      const entry = await reading(() => objects.get(key), signal)
      return entry && metaOf(key, entry)
    },
    async *list(prefix, { after, limit = Infinity, signal } = {}) {
      // At once: a snapshot. A read transaction that stayed open would keep LMDB from using any space again.
      const end = Buffer.concat([Buffer.from(prefix), Buffer.of(0xff)])
      const range = { start: after ?? prefix, exclusiveStart: after !== undefined, end, limit }
      for (const { key, value } of await reading(() => [...objects.getRange(range)], signal)) yield metaOf(key, value)
    },
    async delete(keys, { signal } = {}) {
      await transaction(() => keys.forEach(remove), signal)
      return []
    },
    async now({ signal } = {}) {
      signal?.throwIfAborted()
      return new Date()
    },
    // The file is the caller's. A call that was aborted may have left a transaction.
    async [Symbol.asyncDispose]() {
      await Promise.resolve(env.committed).catch(() => {})
    },
  }
}

async function take(key: string, body: Body | (() => Body), signal: AbortSignal | undefined): Promise<Buffer> {
  signal?.throwIfAborted()
  if (Buffer.byteLength(key) > 1978) throw new BackendError("permanent", `${key} has more than 1978 bytes`)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of typeof body === "function" ? body() : body) {
    signal?.throwIfAborted()
    chunks.push(chunk)
    size += chunk.length
    if (size > mostBytes) throw new BackendError("permanent", `a body has more than ${mostBytes} bytes`)
  }
  return Buffer.concat(chunks)
}

/** An error of LMDB has a number, its own or the system's. Other errors are the caller's, and pass unchanged. */
async function failed(error: Error & { code?: unknown; commitError?: Promise<never> }): Promise<never> {
  const cause = (await error.commitError?.catch((reason: typeof error) => reason)) ?? error
  if (cause === error && typeof cause.code !== "number") throw cause
  const isFull = cause.code === constants.errno.ENOSPC || cause.code === constants.errno.EDQUOT
  const kind = isFull ? "full" : cause === error ? "permanent" : "ambiguous"
  throw new BackendError(kind, `LMDB: ${cause.message}`, { cause })
}
