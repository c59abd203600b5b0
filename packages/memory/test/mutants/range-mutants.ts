import { BackendError } from "@ckpt/core"
import { collect, type Mutant, mapped, onPrecondition } from "./support.js"

/** Faults of a range. */
export const rangeMutants: readonly Mutant[] = [
  {
    name: "a range is one byte off",
    of: (real) => ({
      get: (key, options = {}) => {
        const { range } = options
        return real.get(
          key,
          range && range.offset > 0 ? { ...options, range: { ...range, offset: range.offset - 1 } } : options,
        )
      },
    }),
  },
  {
    name: "takes the length of a range for its last byte",
    of: (real) => ({
      get: (key, { range, ...options } = {}) =>
        real.get(key, {
          ...options,
          range: range && { ...range, length: range.length === undefined ? undefined : range.length + 1 },
        }),
    }),
  },
  {
    name: "refuses a range that goes past the end",
    of: (real) => ({
      async get(key, options = {}) {
        const size = (await real.head(key))?.size ?? Number.POSITIVE_INFINITY
        const { offset = 0, length = 0 } = options.range ?? {}
        if (offset + length > size) throw new BackendError("precondition", "416")
        return real.get(key, options)
      },
    }),
  },
  {
    name: "refuses a range that starts at the end",
    of: (real) => ({
      async get(key, options = {}) {
        if (options.range !== undefined && options.range.offset === (await real.head(key))?.size) {
          throw new BackendError("precondition", "416")
        }
        return real.get(key, options)
      },
    }),
  },
  {
    name: "reads nothing past the end",
    of: (real) => ({
      get: onPrecondition(real.get, ({ range, ...options }, key) =>
        real.get(key, { ...options, range: range && { offset: 0, length: 0 } }),
      ),
    }),
  },
  {
    name: "reads a range of what is there when it is read, not when it was opened",
    of: (real) => ({
      async get(key, options) {
        const content = await real.get(key, options)
        if (content === undefined || options?.range === undefined) return content
        const { range, signal } = options
        const late = async function* () {
          const now = await real.get(key, { range, signal })
          if (now !== undefined) yield* now.body
        }
        return { meta: content.meta, body: late() }
      },
    }),
  },
  {
    name: "gives the size of the range as the size of the object",
    of: (real) => ({
      async get(key, options) {
        const content = await real.get(key, options)
        if (content === undefined || options?.range === undefined) return content
        const bytes = await collect(content.body)
        return { meta: { ...content.meta, size: bytes.length }, body: mapped([bytes], (chunk) => chunk) }
      },
    }),
  },
]
