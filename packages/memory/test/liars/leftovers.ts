import type { Leftover, LeftoverOptions, ObjectBackend } from "@ckpt/core"
import type { Liar } from "./support.js"

/** Leftovers that are asked for, or told, in another way. */
const looking =
  (
    look: (
      real: (options: LeftoverOptions) => Promise<Leftover[]>,
      options: LeftoverOptions,
      backend: ObjectBackend,
    ) => Promise<Leftover[]>,
  ) =>
  (real: ObjectBackend): Partial<ObjectBackend> => ({
    leftovers: (options) => look((asked) => real.leftovers!(asked), options, real),
  })

/** Faults of leftovers. */
export const leftoverLiars: readonly Liar[] = [
  {
    name: "the age of leftovers is taken for seconds",
    caughtBy: ["leftovers: olderThanMs is in milliseconds of the storage's clock, since the latest sign of life"],
    of: looking((real, options) => real({ ...options, olderThanMs: options.olderThanMs * 1000 })),
  },
  {
    name: "the age of leftovers is taken for microseconds",
    caughtBy: ["leftovers: olderThanMs is in milliseconds of the storage's clock, since the latest sign of life"],
    of: looking((real, options) => real({ ...options, olderThanMs: options.olderThanMs / 1000 })),
  },
  {
    name: "leftovers of a neighbour whose name begins so are removed",
    caughtBy: ["leftovers: those of a prefix are found, and not those of a neighbour"],
    of: looking((real, options) => real({ ...options, prefix: options.prefix.replace(/\/$/, "") })),
  },
  {
    name: "leftovers are found by the folder above",
    caughtBy: ["leftovers: a dry run removes nothing"],
    of: looking((real, options) => real({ ...options, prefix: options.prefix.replace(/[^/]*\/?$/, "") })),
  },
  {
    name: "leftovers under a prefix within a name are not found",
    caughtBy: ["leftovers: those of a prefix are found, and not those of a neighbour"],
    of: looking((real, options) =>
      options.prefix === "" || options.prefix.endsWith("/") ? real(options) : Promise.resolve([]),
    ),
  },
  {
    name: "leftovers are never found",
    caughtBy: ["leftovers: a call with an aborted signal rejects with its reason"],
    of: looking(async () => []),
  },
  {
    name: "whether a leftover may go is not asked",
    caughtBy: ["leftovers: mayGo is asked with the key, and what may not go stays and is not told"],
    of: looking((real, options) => real({ ...options, mayGo: undefined })),
  },
  {
    name: "a leftover that may not go is told as removed",
    caughtBy: ["leftovers: those of a prefix are found, and not those of a neighbour"],
    of: looking(async (real, options) => [
      ...(await real(options)),
      ...(await real({ ...options, mayGo: undefined, dryRun: true })),
    ]),
  },
  {
    name: "whether a leftover may go is asked with the storage's name for it",
    caughtBy: ["leftovers: mayGo is asked with the key, and what may not go stays and is not told"],
    of: looking((real, options) =>
      real({ ...options, mayGo: options.mayGo && ((key, since) => options.mayGo!(`${key}#1`, since)) }),
    ),
  },
  {
    name: "whether a leftover may go is asked with the time of now",
    caughtBy: ["leftovers: olderThanMs is in milliseconds of the storage's clock, since the latest sign of life"],
    of: looking((real, options) =>
      real({ ...options, mayGo: options.mayGo && ((key) => options.mayGo!(key, new Date())) }),
    ),
  },
  {
    name: "whether a leftover may go is not asked in a dry run",
    caughtBy: ["leftovers: mayGo is asked with the key, and what may not go stays and is not told"],
    of: looking((real, options) => real(options.dryRun ? { ...options, mayGo: undefined } : options)),
  },
  {
    name: "one leftover of each key is removed",
    caughtBy: ["leftovers: all go, also many, and several of one key, and each is told once"],
    of: looking(async (real, options) => {
      const seen = new Set<string>()
      return real({
        ...options,
        mayGo: (key, since) => {
          if (seen.has(key) || options.mayGo?.(key, since) === false) return false
          seen.add(key)
          return true
        },
      })
    }),
  },
  {
    name: "only the first ten leftovers are removed",
    caughtBy: ["leftovers: all go, also many, and several of one key, and each is told once"],
    of: looking(async (real, options) => {
      let count = 0
      return real({ ...options, mayGo: (key, since) => options.mayGo?.(key, since) !== false && ++count <= 10 })
    }),
  },
  {
    name: "only the first leftover is removed",
    caughtBy: ["leftovers: those of a prefix are found, and not those of a neighbour"],
    of: looking(async (real, options) => {
      let count = 0
      return real({ ...options, mayGo: (key, since) => options.mayGo?.(key, since) !== false && ++count <= 1 })
    }),
  },
  {
    name: "the finished object beside a leftover is removed",
    caughtBy: ["leftovers: all go, also many, and several of one key, and each is told once"],
    of: looking(async (real, options, backend) => {
      const found = await real(options)
      if (!options.dryRun) await backend.delete(found.map(({ name }) => name.replace(/#.*$/, "")))
      return found
    }),
  },
  {
    name: "a dry run finds nothing",
    caughtBy: ["leftovers: those of a prefix are found, and not those of a neighbour"],
    of: looking(async (real, options) => (options.dryRun ? [] : real(options))),
  },
  {
    name: "leftovers are removed and not told",
    caughtBy: ["leftovers: those of a prefix are found, and not those of a neighbour"],
    of: looking(async (real, options) => {
      const found = await real(options)
      return options.dryRun ? found : []
    }),
  },
  {
    name: "the time of a leftover is now",
    caughtBy: ["leftovers: olderThanMs is in milliseconds of the storage's clock, since the latest sign of life"],
    of: looking(async (real, options) => (await real(options)).map((one) => ({ ...one, since: new Date() }))),
  },
  {
    name: "the time of a leftover is the first of January 1970",
    caughtBy: ["leftovers: a dry run removes nothing"],
    of: looking(async (real, options) => (await real(options)).map((one) => ({ ...one, since: new Date(0) }))),
  },
  {
    name: "a leftover has no name",
    caughtBy: ["leftovers: all go, also many, and several of one key, and each is told once"],
    of: looking(async (real, options) => (await real(options)).map((one) => ({ ...one, name: "" }))),
  },
  {
    name: "an upload counts from its beginning, although parts come",
    caughtBy: ["leftovers: olderThanMs is in milliseconds of the storage's clock, since the latest sign of life"],
    inParts: true,
    of: (real) => {
      const begun = new Map<string, number>()
      const { parts } = real
      return {
        parts: {
          ...parts!,
          begin: (key, options) => {
            begun.set(key, Date.now())
            return parts!.begin(key, options)
          },
        },
        leftovers: async (options) => {
          const { mayGo } = options
          return real.leftovers!({
            ...options,
            olderThanMs: Number.NEGATIVE_INFINITY,
            mayGo: (key, since) =>
              Date.now() - (begun.get(key) ?? since.getTime()) > options.olderThanMs && mayGo?.(key, since) !== false,
          })
        },
      }
    },
  },
]
