import { bytesAt, collect, isStream, type Mutant, mapped, tick, upTo } from "./support.js"

/** Faults of the bytes of a write. */
export const putMutants: readonly Mutant[] = [
  {
    name: "loses the last byte",
    of: (real) => ({
      put: async (key, body, options) => real.put(key, [(await collect(body, options)).subarray(0, -1)], options),
    }),
  },
  {
    name: "sends the chunks of an array in another order",
    of: (real) => ({
      put: (key, body, options) => real.put(key, isStream(body) ? body : [...body].reverse(), options),
    }),
  },
  {
    name: "stops at an empty chunk",
    of: (real) => ({
      put: (key, body, options) => {
        let ended = false
        const first = (chunk: Uint8Array) => {
          ended ||= chunk.length === 0
          return ended ? undefined : chunk
        }
        return real.put(key, mapped(body, first), options)
      },
    }),
  },
  {
    name: "cuts arrays at the border of a part",
    of: (real) => ({
      put: (key, body, options) => real.put(key, isStream(body) ? body : mapped(body, upTo(1 << 20)), options),
    }),
  },
  {
    name: "cuts streams of unknown size at the border of a part",
    of: (real) => ({
      put: (key, body, options) => {
        const cut = isStream(body) && options?.size === undefined
        return real.put(key, cut ? mapped(body, upTo(1 << 20)) : body, options)
      },
    }),
  },
  {
    name: "sends one byte less than the size it was told",
    of: (real) => ({
      put: (key, body, options) => {
        const told = isStream(body) ? options?.size : undefined
        return real.put(key, told === undefined ? body : mapped(body, upTo(told - 1)), options)
      },
    }),
  },
  {
    name: "does not store an empty object",
    of: (real) => ({
      async put(key, body, options) {
        const meta = await real.put(key, body, options)
        if (meta.size === 0) await real.delete([key])
        return meta
      },
    }),
  },
  {
    name: "writes over the old content and leaves its end",
    of: (real) => ({
      async put(key, body, options) {
        const old = await bytesAt(real, key)
        const bytes = await collect(body, options)
        return real.put(key, old === undefined ? [bytes] : [bytes, old.subarray(bytes.length)], options)
      },
    }),
  },
  {
    name: "keeps the caller's buffers",
    of: (real) => {
      const kept = new Map<string, readonly Uint8Array[]>()
      return {
        async put(key, body, options) {
          const chunks: Uint8Array[] = []
          for await (const chunk of body) chunks.push(chunk)
          const meta = await real.put(key, chunks, options)
          kept.set(key, chunks)
          return meta
        },
        async get(key, options) {
          const chunks = kept.get(key)
          if (chunks === undefined || options?.range !== undefined) return real.get(key, options)
          const content = await real.get(key, options)
          return content && { meta: content.meta, body: mapped(chunks, (chunk) => new Uint8Array(chunk)) }
        },
      }
    },
  },
  {
    name: "collects all uploads in one buffer",
    of: (real) => {
      let chunks: Uint8Array[] = []
      return {
        async put(key, body, options) {
          chunks = []
          for await (const chunk of body) {
            chunks.push(new Uint8Array(chunk))
            await tick()
          }
          return real.put(key, chunks, options)
        },
      }
    },
  },
]
