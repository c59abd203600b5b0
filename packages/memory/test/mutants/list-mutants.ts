import { BackendError, type ObjectMeta } from "@ckpt/core"
import { listAll, type Mutant } from "./support.js"

const pageSize = 1000

/** Faults of a listing or a delete. */
export const listMutants: readonly Mutant[] = [
  {
    name: "lists the first page only",
    of: (real) => ({
      async *list(prefix, options) {
        yield* (await listAll(real, prefix, options)).slice(0, pageSize)
      },
    }),
  },
  {
    name: "lists the key at the border of two pages twice",
    of: (real) => ({
      async *list(prefix, options) {
        const all = await listAll(real, prefix, options)
        yield* all.slice(0, pageSize)
        yield* all.slice(pageSize - 1, all.length > pageSize ? undefined : pageSize - 1)
      },
    }),
  },
  {
    name: "lists two pages and no more",
    of: (real) => ({
      async *list(prefix, options) {
        yield* (await listAll(real, prefix, options)).slice(0, 2 * pageSize)
      },
    }),
  },
  {
    name: "finds the next page by counting",
    of: (real) => ({
      async *list(prefix, options) {
        for (let offset = 0; ; offset += 100) {
          const sorted = (await listAll(real, prefix, options)).sort((a, b) => (a.key < b.key ? -1 : 1))
          yield* sorted.slice(offset, offset + 100)
          if (offset + 100 >= sorted.length) return
        }
      },
    }),
  },
  {
    name: "lists what was there a moment ago",
    of: (real) => {
      let seen: ObjectMeta[] = []
      return {
        async *list(prefix, options) {
          const stale = seen
          seen = await listAll(real, "", options)
          yield* stale.filter(({ key }) => key.startsWith(prefix))
        },
      }
    },
  },
  {
    name: "lists a sibling that begins like the folder",
    of: (real) => ({ list: (prefix, options) => real.list(prefix.replace(/\/$/, ""), options) }),
  },
  {
    name: "takes a prefix for a folder",
    of: (real) => ({
      list: (prefix, options) => real.list(prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`, options),
    }),
  },
  {
    name: "lists one level",
    of: (real) => ({
      async *list(prefix, options) {
        for await (const meta of real.list(prefix, options)) {
          if (!meta.key.slice(prefix.length).includes("/")) yield meta
        }
      },
    }),
  },
  {
    name: "lists three levels",
    of: (real) => ({
      async *list(prefix, options) {
        for await (const meta of real.list(prefix, options)) if (meta.key.split("/").length <= 3) yield meta
      },
    }),
  },
  {
    name: "lists an object as it was when it was first listed",
    of: (real) => {
      const seen = new Map<string, ObjectMeta>()
      return {
        async *list(prefix, options) {
          for await (const meta of real.list(prefix, options)) {
            yield seen.get(meta.key) ?? meta
            seen.set(meta.key, seen.get(meta.key) ?? meta)
          }
        },
      }
    },
  },
  {
    name: "decodes the keys that it lists",
    of: (real) => ({
      async *list(prefix, options) {
        for await (const meta of real.list(prefix, options)) {
          yield /%[0-9a-f]{2}/i.test(meta.key) ? { ...meta, key: decodeURIComponent(meta.key) } : meta
        }
      },
    }),
  },
  {
    name: "cannot list an empty storage",
    of: (real) => ({
      async *list(prefix, options) {
        if ((await listAll(real, "", options)).length === 0) throw new BackendError("permanent", "ENOENT")
        yield* real.list(prefix, options)
      },
    }),
  },
  {
    name: "ends an aborted list as if that were all",
    of: (real) => ({
      async *list(prefix, options) {
        for await (const meta of real.list(prefix, options)) {
          if (options?.signal?.aborted) return
          yield meta
        }
      },
    }),
  },
  {
    name: "reports a delete that it did not do",
    of: () => ({ delete: async () => [] }),
  },
  {
    name: "deletes at most 100 keys",
    of: (real) => ({ delete: (keys, options) => real.delete(keys.slice(0, 100), options) }),
  },
  {
    name: "deletes what lies below a key",
    of: (real) => ({
      async delete(keys, options) {
        const below: string[] = []
        for (const key of keys) for (const meta of await listAll(real, `${key}/`)) below.push(meta.key)
        return real.delete([...keys, ...below], options)
      },
    }),
  },
  {
    name: "calls the delete of an absent key a failure",
    of: (real) => ({
      async delete(keys, options) {
        const failures = []
        for (const key of keys) {
          if ((await real.head(key)) === undefined) failures.push({ key, error: new BackendError("permanent", "404") })
        }
        await real.delete(keys, options)
        return failures
      },
    }),
  },
]
