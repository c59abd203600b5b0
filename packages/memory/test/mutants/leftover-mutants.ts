import { listAll, type Mutant } from "./support.js"

/** Faults of leftovers, for a backend that looks for them. */
export const leftoverMutants: readonly Mutant[] = [
  {
    name: "collects objects with names like its own",
    of: (real) => ({
      async leftovers(options) {
        const mine = (await listAll(real, options.prefix)).filter(({ key }) => /tmp/.test(key))
        if (!options.dryRun) await real.delete(mine.map(({ key }) => key))
        const found = mine.map(({ key, lastModified }) => ({ name: key, since: lastModified }))
        return [...found, ...(await real.leftovers!(options))]
      },
    }),
  },
  {
    name: "collects leftovers of any age",
    of: (real) => ({ leftovers: (options) => real.leftovers!({ ...options, olderThanMs: -60_000 }) }),
  },
  {
    name: "removes leftovers in a dry run",
    of: (real) => ({ leftovers: (options) => real.leftovers!({ ...options, dryRun: false }) }),
  },
  {
    name: "collects leftovers of other prefixes",
    of: (real) => ({ leftovers: (options) => real.leftovers!({ ...options, prefix: "" }) }),
  },
  {
    name: "completes an upload whose beginning was collected",
    of: (real) => {
      let collected = 0
      return {
        async put(key, body, options) {
          const before = collected
          const chunks: Uint8Array[] = []
          for await (const chunk of body) {
            options?.signal?.throwIfAborted()
            if (collected > before) chunks.length = 0
            chunks.push(chunk)
          }
          return real.put(key, chunks, options)
        },
        async leftovers(options) {
          if (!options.dryRun && options.olderThanMs < 0) collected++
          return real.leftovers!(options)
        },
      }
    },
  },
  {
    name: "never gets rid of a failed upload",
    of: (real) => {
      const failed: string[] = []
      return {
        put: (key, body, options) =>
          real.put(key, body, options).catch((error: unknown) => {
            failed.push(key)
            throw error
          }),
        leftovers: async (options) => [
          ...(await real.leftovers!(options)),
          ...failed.map((name) => ({ name, since: new Date() })),
        ],
      }
    },
  },
  {
    name: "collects leftovers although it was aborted",
    of: (real) => ({ leftovers: ({ signal: _, ...options }) => real.leftovers!(options) }),
  },
]
