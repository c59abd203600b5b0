import { closing, type Liar, Slots } from "./support.js"

/** A `get` that holds one of `count` slots until its body ends in one of the ways that it knows of. */
export function slotted(count: number, knows: readonly ("end" | "return")[]): Liar["of"] {
  return (real) => {
    const slots = new Slots(count)
    return {
      async get(key, options) {
        const give = await slots.take()
        const content = await real.get(key, options).catch((error: unknown) => {
          give()
          throw error
        })
        if (content === undefined) give()
        return content && closing(content, (how) => knows.includes(how) && give())
      },
    }
  }
}

/** Faults of bodies, listings and writes that are given up. */
export const abandonedLiars: readonly Liar[] = [
  {
    name: "a body that is given up keeps its handle, of 32",
    caughtBy: ["given up: bodies that are left half way, or before their first chunk, hold nothing"],
    of: slotted(32, ["end"]),
  },
  {
    name: "a body that is given up keeps its handle, of 100",
    caughtBy: ["given up: bodies that are left half way, or before their first chunk, hold nothing"],
    of: slotted(100, ["end"]),
  },
  {
    name: "a body that is given up before its first chunk keeps its handle",
    caughtBy: ["given up: bodies that are left half way, or before their first chunk, hold nothing"],
    of: (real) => {
      const slots = new Slots(32)
      return {
        async get(key, options) {
          const give = await slots.take()
          const content = await real.get(key, options).catch((error: unknown) => {
            give()
            throw error
          })
          if (content === undefined) {
            give()
            return undefined
          }
          const { body } = content
          const held = (async function* () {
            try {
              yield* body
            } finally {
              give()
            }
          })()
          return { ...content, body: held }
        },
      }
    },
  },
  {
    name: "a get that finds nothing keeps its handle",
    caughtBy: ["commit: nothing is visible before everything is written"],
    of: (real) => {
      const slots = new Slots(32)
      return {
        async get(key, options) {
          const give = await slots.take()
          const content = await real.get(key, options).catch((error: unknown) => {
            give()
            throw error
          })
          return content && closing(content, give)
        },
      }
    },
  },
  {
    name: "a get that is refused keeps its handle",
    caughtBy: ["errors: a write after 160 refusals succeeds"],
    of: (real) => {
      const slots = new Slots(32)
      return {
        async get(key, options) {
          const give = await slots.take()
          const content = await real.get(key, options)
          if (content === undefined) give()
          return content && closing(content, give)
        },
      }
    },
  },
  {
    name: "a listing that is given up keeps its cursor, of 32",
    caughtBy: ["given up: a backend can be disposed of while bodies and listings were left"],
    of: (real) => {
      const slots = new Slots(32)
      return {
        async *list(prefix, options) {
          const give = await slots.take()
          for await (const meta of real.list(prefix, options)) yield meta
          give()
        },
      }
    },
  },
  {
    name: "a listing that is given up blocks every write",
    caughtBy: ["list: a listing is complete while others write and delete"],
    of: (real) => {
      let open = 0
      const waiting: (() => void)[] = []
      return {
        async *list(prefix, options) {
          open++
          yield* real.list(prefix, options)
          open--
          if (open === 0) for (const wake of waiting.splice(0)) wake()
        },
        async put(key, body, options) {
          if (open > 0) await new Promise<void>((resolve) => waiting.push(resolve))
          return real.put(key, body, options)
        },
      }
    },
  },
  {
    name: "an open body blocks the removal of its object for ever, once it is given up",
    caughtBy: ["given up: bodies that are left half way, or before their first chunk, hold nothing"],
    of: (real) => {
      const open = new Map<string, number>()
      return {
        async get(key, options) {
          const content = await real.get(key, options)
          if (content === undefined) return undefined
          open.set(key, (open.get(key) ?? 0) + 1)
          let closed = false
          return closing(content, (how) => {
            if (closed || how === "return") return
            closed = true
            open.set(key, open.get(key)! - 1)
          })
        },
        async delete(keys, options) {
          while (keys.some((key) => (open.get(key) ?? 0) > 0)) {
            options?.signal?.throwIfAborted()
            await new Promise((resolve) => setTimeout(resolve, 20).unref())
          }
          return real.delete(keys, options)
        },
      }
    },
  },
  {
    name: "disposing waits for bodies that were given up",
    caughtBy: ["range: the meta of a range is that of the whole object"],
    of: (real) => {
      let open = 0
      return {
        async get(key, options) {
          const content = await real.get(key, options)
          if (content === undefined) return undefined
          open++
          let closed = false
          return closing(content, (how) => {
            if (closed || how === "return") return
            closed = true
            open--
          })
        },
        async [Symbol.asyncDispose]() {
          while (open > 0) await new Promise((resolve) => setTimeout(resolve, 20).unref())
        },
      }
    },
  },
  {
    name: "a put whose body failed keeps its connection, of 32",
    caughtBy: ["errors: a write after 160 refusals succeeds"],
    of: (real) => {
      const slots = new Slots(32)
      return {
        async put(key, body, options) {
          const give = await slots.take()
          const meta = await real.put(key, body, options)
          give()
          return meta
        },
      }
    },
  },
  {
    name: "a put that is refused leaves a lock on its key",
    caughtBy: ["replace: a replace of an absent or deleted object is refused"],
    of: (real) => {
      const locked = new Set<string>()
      return {
        async put(key, body, options) {
          while (locked.has(key)) {
            options?.signal?.throwIfAborted()
            await new Promise((resolve) => setTimeout(resolve, 20).unref())
          }
          return real.put(key, body, options).catch((error: unknown) => {
            if (typeof options?.when === "object") locked.add(key)
            throw error
          })
        },
      }
    },
  },
  {
    name: "a list that is aborted keeps its cursor, of 32",
    caughtBy: ["given up: a backend can be disposed of while bodies and listings were left"],
    of: (real) => {
      const slots = new Slots(32)
      return {
        list(prefix, options) {
          const inner = (async function* () {
            const give = await slots.take()
            yield* real.list(prefix, options)
            give()
          })()
          return inner
        },
      }
    },
  },
]
