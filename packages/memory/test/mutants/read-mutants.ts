import { BackendError } from "@ckpt/core"
import { bytesAt, collect, type Mutant, mapped, onPrecondition, tick, upTo, versioned } from "./support.js"

/** Faults of a read. */
export const readMutants: readonly Mutant[] = [
  {
    name: "ends a large read early",
    of: (real) => ({
      async get(key, options) {
        const content = await real.get(key, options)
        return content && { meta: content.meta, body: mapped(content.body, upTo(1 << 20)) }
      },
    }),
  },
  {
    name: "ignores ifVersion",
    of: (real) => ({ get: (key, { ifVersion: _, ...options } = {}) => real.get(key, options) }),
  },
  {
    name: "swallows a failure of get",
    of: (real) => ({ get: onPrecondition(real.get, async () => undefined) }),
  },
  {
    name: "rejects where nothing is",
    of: (real) => ({
      async get(key, options) {
        const content = await real.get(key, options)
        if (content === undefined) throw new BackendError("permanent", "404")
        return content
      },
    }),
  },
  {
    name: "finds what only begins like the key",
    of: (real) => ({
      async head(key, options) {
        const meta = await real.head(key, options)
        if (meta !== undefined) return meta
        for await (const other of real.list(key, options)) return other
        return undefined
      },
    }),
  },
  {
    name: "takes an empty object for an absent one when it is read",
    of: (real) => ({
      async get(key, options) {
        const content = await real.get(key, options)
        return content?.meta.size === 0 ? undefined : content
      },
    }),
  },
  {
    name: "hands out its own bytes",
    of: (real) => {
      const cache = new Map<string, Uint8Array>()
      return {
        async get(key, options) {
          const content = await real.get(key, options)
          if (content === undefined || options?.range !== undefined) return content
          const id = `${key} ${content.meta.version}`
          const bytes = cache.get(id) ?? (await collect(content.body))
          cache.set(id, bytes)
          return { meta: content.meta, body: mapped([bytes], (chunk) => chunk) }
        },
      }
    },
  },
  {
    name: "keeps the connection of a reader that left",
    of: (real) => {
      let free = 50
      return {
        async get(key, options) {
          const content = await real.get(key, options)
          if (content === undefined) return undefined
          while (free === 0) await tick()
          free--
          const body = async function* () {
            yield* content.body
            free++
          }
          return { meta: content.meta, body: body() }
        },
      }
    },
  },
  {
    name: "goes on in the object that is there now",
    of: (real) => ({
      async get(key, options) {
        const content = await real.get(key, options)
        if (content === undefined || options?.range !== undefined) return content
        const body = async function* () {
          for (let offset = 0; offset < content.meta.size; offset += 1 << 20) {
            yield (await bytesAt(real, key, { range: { offset, length: 1 << 20 }, signal: options?.signal }))!
          }
        }
        return { meta: content.meta, body: body() }
      },
    }),
  },
  {
    name: "head lies about the size",
    of: (real) => ({
      async head(key, options) {
        const meta = await real.head(key, options)
        return meta && { ...meta, size: meta.size + 1 }
      },
    }),
  },
  {
    name: "the version is always the same",
    of: (real) => versioned(real, () => "1"),
  },
  {
    name: "takes the size for a version",
    of: (real) => ({
      ...versioned(real, ({ size }) => `size ${size}`),
      async put(key, body, options) {
        const current = await real.head(key)
        const stale = typeof options?.when === "object" && options.when.version !== `size ${current?.size}`
        const when = typeof options?.when === "object" ? { version: stale ? "stale" : current!.version } : options?.when
        const meta = await real.put(key, body, { ...options, when })
        return { ...meta, version: `size ${meta.size}` }
      },
      async get(key, { ifVersion, ...options } = {}) {
        const content = await real.get(key, options)
        if (content === undefined) return undefined
        const version = `size ${content.meta.size}`
        if (ifVersion !== undefined && ifVersion !== version) throw new BackendError("precondition", "another size")
        return { ...content, meta: { ...content.meta, version } }
      },
    }),
  },
  {
    name: "remembers what is not there",
    eachOpen: true,
    of: (real) => {
      const absent = new Set<string>()
      return {
        async head(key, options) {
          const meta = absent.has(key) ? undefined : await real.head(key, options)
          if (meta === undefined) absent.add(key)
          return meta
        },
        put(key, body, options) {
          absent.delete(key)
          return real.put(key, body, options)
        },
      }
    },
  },
]
