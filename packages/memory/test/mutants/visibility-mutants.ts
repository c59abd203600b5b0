import { BackendError } from "@ckpt/core"
import { bytesAt, collect, type Mutant, mapped, tick } from "./support.js"

/** Faults of the moment at which a write is seen, and of a write whose body fails. */
export const visibilityMutants: readonly Mutant[] = [
  {
    name: "acknowledges before it has written",
    of: (real) => {
      let writing: Promise<unknown> = Promise.resolve()
      return {
        async put(key, body, options) {
          const meta = await real.put(`.staged/${key}`, body, { signal: options?.signal })
          const bytes = (await bytesAt(real, `.staged/${key}`))!
          await real.delete([`.staged/${key}`])
          writing = writing
            .then(tick)
            .then(() => real.put(key, [bytes], { when: options?.when }).catch(() => undefined))
          return { ...meta, key }
        },
      }
    },
  },
  {
    name: "shows an object while it is being written",
    of: (real) => ({
      async put(key, body, options) {
        if (options?.when !== undefined || (await real.head(key)) !== undefined) return real.put(key, body, options)
        let first: Promise<unknown> | undefined
        const showing = mapped(body, (chunk) => {
          first ??= real.put(key, [chunk])
          return chunk
        })
        const bytes = await collect(showing, options)
        await first
        return real.put(key, [bytes])
      },
    }),
  },
  {
    name: "tears: writes the first half, then the whole",
    of: (real) => ({
      async put(key, body, options) {
        const bytes = await collect(body, options)
        if (options?.when === undefined) {
          await real.put(key, [bytes.subarray(0, bytes.length / 2)])
          await tick()
        }
        return real.put(key, [bytes], options)
      },
    }),
  },
  {
    name: "removes the old content before it has the new",
    of: (real) => ({
      async put(key, body, options) {
        if (options?.when === undefined) await real.delete([key])
        return real.put(key, body, options)
      },
    }),
  },
  {
    name: "stores what came before the body failed",
    of: (real) => ({
      async put(key, body, options) {
        const chunks: Uint8Array[] = []
        try {
          for await (const chunk of body) chunks.push(chunk)
        } catch (error) {
          await real.put(key, chunks)
          throw error
        }
        return real.put(key, chunks, options)
      },
    }),
  },
  {
    name: "hides the body's error behind its own",
    of: (real) => ({
      async put(key, body, options) {
        let bytes: Uint8Array
        try {
          bytes = await collect(body, options)
        } catch (cause) {
          throw new BackendError("permanent", "the upload failed", { cause })
        }
        return real.put(key, [bytes], options)
      },
    }),
  },
  {
    name: "takes the body's ECONNRESET and 412 for its own",
    of: (real) => ({
      async put(key, body, options) {
        try {
          return await real.put(key, body, options)
        } catch (error) {
          const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }
          if (code === "ECONNRESET") throw new BackendError("ambiguous", "reset", { cause: error })
          if (statusCode === 412) throw new BackendError("precondition", "failed", { cause: error })
          throw error
        }
      },
    }),
  },
]
