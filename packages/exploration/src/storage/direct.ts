import { BackendError, type GetOptions, type ObjectBackend, type ObjectContent, type PutOptions } from "@ckpt/core"
import type { SimulatedStorage, StoredObject } from "./storage.js"

export const capabilities = { compareAndSwap: "storage", maxDeleteBatch: 1000 } as const

/** The storage without a network in between: every request is answered at once. */
export function direct(storage: SimulatedStorage): ObjectBackend {
  return {
    name: "simulated",
    capabilities,
    async put(key, body, options: PutOptions = {}) {
      return storage.put(key, await wholeBody(body), options.when)
    },
    async get(key, options: GetOptions = {}) {
      const stored = storage.get(key, options.ifVersion)
      return stored === undefined ? undefined : contentOf(stored, options.range)
    },
    head: async (key) => storage.get(key)?.meta,
    async *list(prefix, { after = "", limit = Number.POSITIVE_INFINITY } = {}) {
      yield* storage.page(prefix, after, limit)
    },
    async delete(keys) {
      storage.delete(keys)
      return []
    },
    now: async () => new Date(storage.now),
    async [Symbol.asyncDispose]() {},
  }
}

/** The body of a put in one piece. A promise only if the body is a stream. */
export function wholeBody(body: Parameters<ObjectBackend["put"]>[1]): Uint8Array | Promise<Uint8Array> {
  if (Array.isArray(body)) return body.length === 1 ? (body[0] as Uint8Array) : Buffer.concat(body)
  return collect(body as AsyncIterable<Uint8Array>)
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(new Uint8Array(chunk))
  return Buffer.concat(chunks)
}

/** The bytes that a get asked for. */
export function rangeOf({ bytes, meta }: StoredObject, range: GetOptions["range"]): Uint8Array {
  if (range === undefined) return bytes
  const { offset, length } = range
  if (offset > bytes.length) throw new BackendError("precondition", `${meta.key} ends before ${offset}`)
  return bytes.subarray(offset, length === undefined ? bytes.length : offset + length)
}

export function contentOf(stored: StoredObject, range: GetOptions["range"]): ObjectContent {
  return { meta: stored.meta, body: atOnce(rangeOf(stored, range)) }
}

const done: IteratorResult<Uint8Array> = { done: true, value: undefined }

/** A body of bytes that are there. Not a generator: it would cost more than all the rest of a request. */
function atOnce(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      let left = bytes.length > 0
      return {
        next() {
          if (!left) return Promise.resolve(done)
          left = false
          return Promise.resolve({ done: false as const, value: bytes })
        },
        return() {
          left = false
          return Promise.resolve(done)
        },
      }
    },
  }
}
