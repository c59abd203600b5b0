import { BackendError, type ObjectBackend, type ObjectMeta } from "@ckpt/core"
import { bytesAt, collect, listAll, tick } from "../mutants/support.js"
import { chunks, type Liar } from "./support.js"

/** Faults that need two backends over one storage. */
export const handleLiars: readonly Liar[] = [
  {
    name: "a backend remembers what head said",
    caughtBy: ["replace: a read that begins after a replace was answered sees it, by every way to read"],
    eachOpen: true,
    of: (real) => {
      const seen = new Map<string, ObjectMeta>()
      return {
        async head(key, options) {
          const known = seen.get(key)
          if (known !== undefined) return known
          const meta = await real.head(key, options)
          if (meta !== undefined) seen.set(key, meta)
          return meta
        },
        async put(key, body, options) {
          seen.delete(key)
          return real.put(key, body, options)
        },
        async delete(keys, options) {
          for (const key of keys) seen.delete(key)
          return real.delete(keys, options)
        },
      }
    },
  },
  {
    name: "a backend remembers what is absent",
    caughtBy: ["put: an acknowledged object is visible to every backend at once"],
    eachOpen: true,
    of: (real) => {
      const absent = new Set<string>()
      return {
        async get(key, options) {
          if (absent.has(key)) return undefined
          const content = await real.get(key, options)
          if (content === undefined) absent.add(key)
          return content
        },
        async put(key, body, options) {
          absent.delete(key)
          return real.put(key, body, options)
        },
      }
    },
  },
  {
    name: "a backend remembers short objects that it read",
    caughtBy: ["replace: a read that begins after a replace was answered sees it, by every way to read"],
    eachOpen: true,
    of: (real) => {
      const read = new Map<string, { meta: ObjectMeta; bytes: Uint8Array }>()
      return {
        async get(key, options) {
          const known = read.get(key)
          if (known !== undefined && options?.range === undefined && options?.ifVersion === undefined) {
            return { meta: known.meta, body: chunks(known.bytes.slice()) }
          }
          const content = await real.get(key, options)
          if (content === undefined || content.meta.size > 4096 || options?.range !== undefined) return content
          const bytes = await collect(content.body)
          read.set(key, { meta: content.meta, bytes })
          return { meta: content.meta, body: chunks(bytes.slice()) }
        },
        async put(key, body, options) {
          read.delete(key)
          return real.put(key, body, options)
        },
        async delete(keys, options) {
          for (const key of keys) read.delete(key)
          return real.delete(keys, options)
        },
      }
    },
  },
  {
    name: "a backend remembers its listing until it writes",
    caughtBy: ["list: a listing shows every earlier write and delete"],
    eachOpen: true,
    of: (real) => {
      const listed = new Map<string, ObjectMeta[]>()
      return {
        async *list(prefix, options) {
          const known = listed.get(prefix) ?? (await listAll(real, prefix, options))
          listed.set(prefix, known)
          yield* known
        },
        async put(key, body, options) {
          listed.clear()
          return real.put(key, body, options)
        },
        async delete(keys, options) {
          listed.clear()
          return real.delete(keys, options)
        },
      }
    },
  },
  {
    name: "a condition is compared with the version that this backend saw last",
    caughtBy: ["replace: a replace of an absent or deleted object is refused"],
    eachOpen: true,
    of: (real) => {
      const seen = new Map<string, string>()
      return {
        async get(key, options) {
          const content = await real.get(key, options)
          if (content !== undefined) seen.set(key, content.meta.version)
          return content
        },
        async put(key, body, options = {}) {
          let { when } = options
          if (typeof when === "object" && seen.get(key) === when.version) when = undefined
          const meta = await real.put(key, body, { ...options, when })
          seen.set(key, meta.version)
          return meta
        },
      }
    },
  },
  {
    name: "a write is seen by other backends a moment later",
    caughtBy: ["create: an object that came while the body was sent stays"],
    eachOpen: true,
    of: (() => {
      const storages = new WeakMap<ObjectBackend, Map<string, { by: object; until: Promise<void> }>>()
      return (real: ObjectBackend) => {
        const me = {}
        const fresh = storages.get(real) ?? new Map<string, { by: object; until: Promise<void> }>()
        storages.set(real, fresh)
        return {
          async put(
            key: string,
            body: Parameters<ObjectBackend["put"]>[1],
            options: Parameters<ObjectBackend["put"]>[2],
          ) {
            const meta = await real.put(key, body, options)
            const until = (async () => {
              for (let turn = 0; turn < 5; turn++) await tick()
              fresh.delete(key)
            })()
            fresh.set(key, { by: me, until })
            return meta
          },
          async head(key: string, options: Parameters<ObjectBackend["head"]>[1]) {
            const recent = fresh.get(key)
            return recent !== undefined && recent.by !== me ? undefined : real.head(key, options)
          },
        }
      }
    })(),
  },
  {
    name: "creators of two backends both win",
    caughtBy: ["create: a loser reads the winner's object whole"],
    eachOpen: true,
    of: (real) => ({
      async put(key, body, options = {}) {
        if (options.when !== "absent") return real.put(key, body, options)
        const bytes = await collect(body, options)
        if ((await real.head(key)) !== undefined) throw new BackendError("precondition", `${key} exists`)
        await tick()
        return real.put(key, [bytes], { ...options, when: undefined })
      },
    }),
  },
  {
    name: "disposing one backend ends the others",
    caughtBy: ["dispose: a backend can be disposed of twice, and its objects stay"],
    eachOpen: true,
    of: (() => {
      const ended = new WeakSet<ObjectBackend>()
      return (real: ObjectBackend) => ({
        async head(key: string, options: Parameters<ObjectBackend["head"]>[1]) {
          if (ended.has(real)) throw new BackendError("permanent", "the pool is closed")
          return real.head(key, options)
        },
        async [Symbol.asyncDispose]() {
          ended.add(real)
        },
      })
    })(),
  },
]

/** Faults that show after several calls. */
export const sequenceLiars: readonly Liar[] = [
  {
    name: "the third replacement of an object is lost",
    caughtBy: ["replace: a read that begins after a replace was answered sees it, by every way to read"],
    of: (real) => {
      const writes = new Map<string, number>()
      return {
        async put(key, body, options) {
          const count = (writes.get(key) ?? 0) + 1
          const before = await bytesAt(real, key)
          const meta = await real.put(key, body, options)
          writes.set(key, count)
          if (count !== 4 || before === undefined) return meta
          return { ...(await real.put(key, [before])), size: meta.size }
        },
      }
    },
  },
  {
    name: "an object that was created again after a removal is gone after a further removal of another",
    caughtBy: ["delete: a key that is given twice is removed once, without a failure"],
    of: (real) => {
      const removed = new Set<string>()
      const again = new Set<string>()
      return {
        async put(key, body, options) {
          const meta = await real.put(key, body, options)
          if (removed.delete(key)) again.add(key)
          return meta
        },
        async delete(keys, options) {
          for (const key of keys) if ((await real.head(key)) !== undefined) removed.add(key)
          const lost = [...again].filter((key) => !keys.includes(key))
          again.clear()
          return real.delete([...keys, ...lost], options)
        },
      }
    },
  },
  {
    name: "a replacement by a shorter object, then by a longer, has zeros between",
    caughtBy: ["replace: an object that was replaced while the body was sent stays"],
    of: (real) => {
      const shrunk = new Map<string, number>()
      return {
        async put(key, body, options) {
          const before = await real.head(key)
          const bytes = await collect(body, options)
          const low = shrunk.get(key)
          const wrong = bytes.slice()
          if (low !== undefined && before !== undefined && bytes.length > before.size && low > 0)
            wrong[low - 1] = wrong[low - 1]! ^ 1
          const meta = await real.put(key, [wrong], options)
          if (before !== undefined && bytes.length < before.size) shrunk.set(key, bytes.length)
          else shrunk.delete(key)
          return meta
        },
      }
    },
  },
  {
    name: "a put after a failed put of the same key is not done",
    caughtBy: ["given up: writes that fail, are refused or are aborted hold nothing"],
    of: (real) => {
      const failed = new Set<string>()
      return {
        async put(key, body, options) {
          if (failed.delete(key) && options?.when === undefined) {
            const meta = await real.head(key)
            if (meta !== undefined) return meta
          }
          return real.put(key, body, options).catch((error: unknown) => {
            failed.add(key)
            throw error
          })
        },
      }
    },
  },
  {
    name: "after a range was read, the next whole read begins there",
    caughtBy: ["given up: reads that find nothing, or are refused, hold nothing"],
    of: (real) => {
      const at = new Map<string, number>()
      return {
        async get(key, options = {}) {
          const { range } = options
          const from = at.get(key)
          if (range !== undefined) at.set(key, range.offset)
          else at.delete(key)
          const content = await real.get(
            key,
            range === undefined && from !== undefined ? { ...options, range: { offset: from } } : options,
          )
          return content
        },
        async put(key, body, options) {
          at.delete(key)
          return real.put(key, body, options)
        },
      }
    },
  },
  {
    name: "an object that is created while another of its folder is removed is lost",
    caughtBy: ["delete: what is written beside a delete stays, and the delete is done when it resolves"],
    of: (real) => {
      let removing = 0
      return {
        async put(key, body, options) {
          const meta = await real.put(key, body, options)
          if (removing > 0) await real.delete([key])
          return meta
        },
        async delete(keys, options) {
          removing++
          await tick()
          await tick()
          try {
            return await real.delete(keys, options)
          } finally {
            removing--
          }
        },
      }
    },
  },
  {
    name: "two replacements by one version at once both win",
    caughtBy: ["replace: exactly one of 16 racers from one version wins"],
    of: (real) => ({
      async put(key, body, options = {}) {
        if (typeof options.when !== "object") return real.put(key, body, options)
        const bytes = await collect(body, options)
        if ((await real.head(key))?.version !== options.when.version) throw new BackendError("precondition", key)
        await tick()
        return real.put(key, [bytes], { ...options, when: undefined })
      },
    }),
  },
]
