import { BackendError, type PutOptions } from "@ckpt/core"
import { bytesAt, collect, isStream, type Mutant, taken, tick } from "./support.js"

const without = ({ when: _, ...options }: PutOptions = {}): PutOptions => options
const isCreate = (options: PutOptions | undefined) => options?.when === "absent"
const isReplace = (options: PutOptions | undefined) => typeof options?.when === "object"

/** Faults of a condition. */
export const conditionMutants: readonly Mutant[] = [
  {
    name: "overwrites on create",
    of: (real) => ({
      put: (key, body, options) => real.put(key, body, isCreate(options) ? without(options) : options),
    }),
  },
  {
    name: "forgets the condition for streams",
    of: (real) => ({
      put: (key, body, options) => real.put(key, body, isStream(body) ? without(options) : options),
    }),
  },
  {
    name: "checks a create before the body",
    of: (real) => ({
      async put(key, body, options) {
        if (!isCreate(options)) return real.put(key, body, options)
        if ((await real.head(key)) !== undefined) throw taken(key)
        return real.put(key, body, without(options))
      },
    }),
  },
  {
    name: "has a lock for each backend, not for each storage",
    eachOpen: true,
    of: (real) => {
      let tail: Promise<unknown> = Promise.resolve()
      return {
        async put(key, body, options) {
          const bytes = await collect(body, options)
          const result = tail.then(async () => {
            const current = await real.head(key)
            const { when } = options ?? {}
            if (when === "absent" && current !== undefined) throw taken(key)
            if (typeof when === "object" && current?.version !== when.version) throw taken(key)
            return real.put(key, [bytes], without(options))
          })
          tail = result.catch(() => undefined)
          return result
        },
      }
    },
  },
  {
    name: "takes an empty object for an absent one",
    of: (real) => ({
      async put(key, body, options) {
        const empty = isCreate(options) && (await real.head(key))?.size === 0
        return real.put(key, body, empty ? without(options) : options)
      },
    }),
  },
  {
    name: "never creates again what was deleted",
    of: (real) => {
      const deleted = new Set<string>()
      return {
        async put(key, body, options) {
          if (isCreate(options) && deleted.has(key)) throw taken(key)
          return real.put(key, body, options)
        },
        delete(keys, options) {
          for (const key of keys) deleted.add(key)
          return real.delete(keys, options)
        },
      }
    },
  },
  {
    name: "refuses the loser before the winner is there",
    of: (real) => {
      const reserved = new Set<string>()
      return {
        async put(key, body, options) {
          if (!isCreate(options) || (await real.head(key)) !== undefined) return real.put(key, body, options)
          const bytes = await collect(body, options)
          if (reserved.has(key)) throw taken(key)
          reserved.add(key)
          try {
            for (let turn = 0; turn < 5; turn++) await tick()
            return await real.put(key, [bytes], options)
          } finally {
            reserved.delete(key)
          }
        },
      }
    },
  },
  {
    name: "ignores the version of a replace",
    of: (real) => ({
      async put(key, body, options) {
        const blind = isReplace(options) && (await real.head(key)) !== undefined
        return real.put(key, body, blind ? without(options) : options)
      },
    }),
  },
  {
    name: "checks the version before the body",
    of: (real) => ({
      async put(key, body, options) {
        if (typeof options?.when !== "object") return real.put(key, body, options)
        if ((await real.head(key))?.version !== options.when.version) throw taken(key)
        return real.put(key, body, without(options))
      },
    }),
  },
  {
    name: "answers a read after a replace by what was there before it",
    of: (real) => {
      const before = new Map<string, Uint8Array>()
      return {
        async put(key, body, options) {
          const old = isReplace(options) ? await bytesAt(real, key) : undefined
          const meta = await real.put(key, body, options)
          if (old !== undefined) before.set(key, old)
          return meta
        },
        async get(key, options) {
          const content = await real.get(key, options)
          const old = before.get(key)
          before.delete(key)
          if (content === undefined || old === undefined || options?.range !== undefined) return content
          const [body] = [
            (async function* () {
              yield old
            })(),
          ]
          return { meta: { ...content.meta, size: old.length }, body }
        },
      }
    },
  },
  {
    name: "replaces what is not there",
    of: (real) => ({
      async put(key, body, options) {
        const created = isReplace(options) && (await real.head(key)) === undefined
        return real.put(key, body, created ? { ...options, when: "absent" } : options)
      },
    }),
  },
  {
    name: "does not replace by equal content",
    of: (real) => ({
      async put(key, body, options) {
        const bytes = await collect(body, options)
        const old = isReplace(options) ? await bytesAt(real, key) : undefined
        if (old !== undefined && Buffer.compare(old, bytes) === 0) throw taken(key)
        return real.put(key, [bytes], options)
      },
    }),
  },
  {
    name: "never replaces under a condition",
    of: (real) => ({
      async put(key, body, options) {
        if (isReplace(options)) throw new BackendError("precondition", "a quoted etag is not the etag")
        return real.put(key, body, options)
      },
    }),
  },
  {
    name: "reports a failed condition as permanent",
    of: (real) => ({
      put: (key, body, options) =>
        real.put(key, body, options).catch((error: unknown) => {
          if (!(error instanceof BackendError) || error.kind !== "precondition") throw error
          throw options?.when === undefined ? error : new BackendError("permanent", error.message)
        }),
    }),
  },
  {
    name: "rejects with a plain error that has a kind",
    of: (real) => ({
      put: (key, body, options) =>
        real.put(key, body, options).catch((error: unknown) => {
          if (!(error instanceof BackendError) || options?.when === undefined) throw error
          throw Object.assign(new Error(error.message), { kind: error.kind, unsettleable: false })
        }),
    }),
  },
  {
    name: "holds on to something at each refusal",
    of: (real) => {
      let free = 50
      return {
        async put(key, body, options) {
          while (free === 0) await tick()
          free--
          const meta = await real.put(key, body, options)
          free++
          return meta
        },
      }
    },
  },
]
