import type { RequestOptions } from "@ckpt/core"
import { collect, type Mutant, mapped } from "./support.js"

const deaf = <T extends RequestOptions>({ signal: _, ...options }: T = {} as T) => options

/** Faults of an abort, of the clock, and of the life of a backend. */
export const callMutants: readonly Mutant[] = [
  {
    name: "ignores abort",
    of: (real) => ({
      put: (key, body, options) => real.put(key, body, deaf(options)),
      get: (key, options) => real.get(key, deaf(options)),
      head: (key) => real.head(key),
      list: (prefix) => real.list(prefix),
      delete: (keys) => real.delete(keys),
    }),
  },
  {
    name: "rejects an abort with an error of its own",
    of: (real) => ({
      head: (key, options) =>
        real.head(key, options).catch(() => {
          throw new DOMException("This operation was aborted", "AbortError")
        }),
    }),
  },
  {
    name: "asks the clock although it was aborted",
    of: (real) => ({ now: () => real.now() }),
  },
  {
    name: "waits for a body that hangs",
    of: (real) => ({
      async put(key, body, options) {
        options?.signal?.throwIfAborted()
        const looking = mapped(body, (chunk) => {
          options?.signal?.throwIfAborted()
          return chunk
        })
        return real.put(key, [await collect(looking)], options)
      },
    }),
  },
  {
    name: "stores what came before the abort",
    of: (real) => ({
      async put(key, body, options) {
        options?.signal?.throwIfAborted()
        const chunks: Uint8Array[] = []
        const noting = mapped(body, (chunk) => {
          chunks.push(chunk)
          return chunk
        })
        try {
          return await real.put(key, noting, options)
        } catch (error) {
          if (options?.signal?.aborted) await real.put(key, chunks)
          throw error
        }
      },
    }),
  },
  {
    name: "does not let go of the body when it is aborted",
    of: (real) => ({
      put(key, body, options) {
        const iterator = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : undefined
        const held: AsyncIterable<Uint8Array> | undefined = iterator && {
          [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }),
        }
        return real.put(key, held ?? body, options)
      },
    }),
  },
  {
    name: "ends an aborted read as if that were all",
    of: (real) => ({
      async get(key, options) {
        const content = await real.get(key, options)
        const body = async function* (chunks: AsyncIterable<Uint8Array>) {
          try {
            yield* chunks
          } catch (error) {
            if (!options?.signal?.aborted) throw error
          }
        }
        return content && { meta: content.meta, body: body(content.body) }
      },
    }),
  },
  {
    name: "throws where it should reject",
    of: (real) => ({
      put(key, body, options) {
        if (Array.isArray(body) && body.length === 0 && options?.when !== undefined) throw new TypeError("no body")
        return real.put(key, body, options)
      },
    }),
  },
  {
    name: "takes no key per delete",
    of: (real) => ({ capabilities: { ...real.capabilities, maxDeleteBatch: 0 } }),
  },
  {
    name: "has an invalid clock",
    of: () => ({ now: async () => new Date(Number.NaN) }),
  },
  {
    name: "tells the time in whole seconds, and stamps in milliseconds",
    of: (real) => ({
      now: async (options) => new Date(Math.floor((await real.now(options)).getTime() / 1000) * 1000),
    }),
  },
  {
    name: "asks the machine's clock, which is an hour behind the storage's",
    of: () => ({ now: async () => new Date(Date.now() - 3_600_000) }),
  },
  {
    name: "takes the objects with it when it is disposed of",
    of: (real) => ({
      async [Symbol.asyncDispose]() {
        for await (const { key } of real.list("")) await real.delete([key])
      },
    }),
  },
]
