import type { ObjectBackend } from "@ckpt/core"
import { isStream } from "../mutants/support.js"
import { giving, type Liar } from "./support.js"

/** Keeps the very chunks of a write for later reads. */
export function keeping(real: ObjectBackend, keeps: (chunks: readonly Uint8Array[], stream: boolean) => boolean) {
  const kept = new Map<string, { version: string; chunks: readonly Uint8Array[] }>()
  const { get } = giving(real, ({ key, meta, bytes, start, end }) => {
    const mine = kept.get(key)
    const all = mine?.version === meta.version ? new Uint8Array(Buffer.concat(mine.chunks)) : bytes
    return all.slice(start, end)
  })
  const keep = (key: string, version: string, all: readonly Uint8Array[]) => kept.set(key, { version, chunks: all })
  const put: ObjectBackend["put"] = async (key, body, options) => {
    if (isStream(body)) {
      const seen: Uint8Array[] = []
      const passing = (async function* () {
        for await (const chunk of body) {
          seen.push(chunk)
          yield chunk
        }
      })()
      const meta = await real.put(key, passing, options)
      if (keeps(seen, true)) keep(key, meta.version, seen)
      return meta
    }
    const meta = await real.put(key, body, options)
    if (keeps(body, false)) keep(key, meta.version, body)
    return meta
  }
  return { get, put, keep }
}

/** Chunks that are kept, or given, without a copy. */
export const copyLiars: readonly Liar[] = [
  {
    name: "keeps the chunks of an array that was put",
    caughtBy: ["put: changing a buffer after the put leaves the object alone"],
    of: (real) => {
      const { get, put } = keeping(real, (_, stream) => !stream)
      return { get, put }
    },
  },
  {
    name: "keeps the chunks of a stream that was put",
    caughtBy: ["put: changing a buffer after the put leaves the object alone"],
    of: (real) => {
      const { get, put } = keeping(real, (_, stream) => stream)
      return { get, put }
    },
  },
  {
    name: "keeps the only chunk of a short object",
    caughtBy: ["put: changing a buffer after the put leaves the object alone"],
    of: (real) => {
      const { get, put } = keeping(real, (all) => all.length === 1)
      return { get, put }
    },
  },
  {
    name: "gives a chunk back before it has copied it",
    caughtBy: ["put: a chunk that was given back is not looked at again"],
    of: (real) => ({
      async put(key, body, options) {
        if (!isStream(body) || !("recycle" in body)) return real.put(key, body, options)
        const { recycle } = body as unknown as { recycle(chunk: Uint8Array): void }
        const all: Uint8Array[] = []
        for await (const chunk of body) {
          options?.signal?.throwIfAborted()
          all.push(chunk)
          recycle.call(body, chunk)
        }
        return real.put(key, all, options)
      },
    }),
  },
  {
    name: "gives each chunk back twice",
    caughtBy: ["put: a chunk that was given back is not looked at again"],
    of: (real) => ({
      async put(key, body, options) {
        if (!isStream(body) || !("recycle" in body)) return real.put(key, body, options)
        const { recycle } = body as unknown as { recycle(chunk: Uint8Array): void }
        const copying = (async function* () {
          for await (const chunk of body) {
            const copy = new Uint8Array(chunk)
            recycle.call(body, chunk)
            recycle.call(body, chunk)
            yield copy
          }
        })()
        return real.put(key, copying, options)
      },
    }),
  },
  {
    name: "gives its own bytes to the reader",
    caughtBy: ["get: changing what was read, of any size or range, leaves the object alone"],
    of: (real) => {
      const own = new Map<string, Uint8Array>()
      return giving(real, ({ key, meta, bytes, start, end }) => {
        const name = `${key} ${meta.version}`
        if (!own.has(name)) own.set(name, bytes)
        return own.get(name)!.subarray(start, end)
      })
    },
  },
  {
    name: "gives its own bytes to the reader of a range",
    caughtBy: ["get: changing what was read, of any size or range, leaves the object alone"],
    of: (real) => {
      const own = new Map<string, Uint8Array>()
      return giving(real, ({ key, meta, bytes, start, end, options }) => {
        const name = `${key} ${meta.version}`
        if (!own.has(name)) own.set(name, bytes)
        const mine = own.get(name)!
        return options.range === undefined ? mine.slice() : mine.subarray(start, end)
      })
    },
  },
  {
    name: "reads every chunk of a body into one buffer",
    caughtBy: ["range: the pieces of a large object make it whole"],
    of: (real) =>
      giving(real, async function* ({ bytes, start, end }) {
        const buffer = new Uint8Array(64 * 1024)
        for (let at = start; at < end; at += buffer.length) {
          const part = bytes.subarray(at, Math.min(end, at + buffer.length))
          buffer.set(part)
          yield buffer.subarray(0, part.length)
        }
      }),
  },
  {
    name: "reads short objects into one buffer for all",
    caughtBy: ["get: two readers never share memory, and a chunk stays until it is given back"],
    of: (real) => {
      const buffer = new Uint8Array(16 * 1024)
      return giving(real, ({ bytes, start, end }) => {
        if (end - start > buffer.length) return bytes.slice(start, end)
        buffer.set(bytes.subarray(start, end))
        return buffer.subarray(0, end - start)
      })
    },
  },
  {
    name: "hands memory that was given back to two readers",
    caughtBy: ["get: two readers never share memory, and a chunk stays until it is given back"],
    of: (real) => {
      const free: Uint8Array[] = []
      return giving(real, ({ bytes, start, end }) => {
        const body = (async function* () {
          const size = 64 * 1024
          for (let at = start; at < end; at += size) {
            const part = bytes.subarray(at, Math.min(end, at + size))
            const memory = free.pop() ?? new Uint8Array(size)
            memory.set(part)
            yield memory.subarray(0, part.length)
          }
        })()
        const recycle = ({ buffer }: Uint8Array) => void free.push(new Uint8Array(buffer), new Uint8Array(buffer))
        return Object.assign(body, { recycle })
      })
    },
  },
  {
    name: "takes a chunk back as soon as the next chunk is asked for",
    caughtBy: ["range: the pieces of a large object make it whole"],
    of: (real) => {
      const free: Uint8Array[] = []
      return giving(real, ({ bytes, start, end }) => {
        const body = (async function* () {
          const size = 32 * 1024
          for (let at = start; at < end; at += size) {
            const part = bytes.subarray(at, Math.min(end, at + size))
            const memory = free.pop() ?? new Uint8Array(size)
            memory.set(part)
            yield memory.subarray(0, part.length)
            free.push(memory)
          }
        })()
        return Object.assign(body, { recycle() {} })
      })
    },
  },
  {
    name: "keeps the chunks of a commit",
    caughtBy: ["commit: the caller's memory is the caller's again"],
    of: (real) => {
      const { get, put, keep } = keeping(real, () => false)
      return {
        get,
        put,
        async commit(batch, options) {
          const bodies = new Map<string, readonly Uint8Array[]>()
          const create = batch.create.map(({ key, body }) => ({
            key,
            body: () => {
              const given = typeof body === "function" ? body() : body
              if (!isStream(given)) bodies.set(key, given)
              return given
            },
          }))
          const metas = await real.commit!({ ...batch, create }, options)
          if (metas === "unsupported") return metas
          for (const { key, version } of metas) if (bodies.has(key)) keep(key, version, bodies.get(key)!)
          return metas
        },
      }
    },
  },
  {
    name: "keeps the bytes that decide gave",
    caughtBy: ["commit: the caller's memory is the caller's again"],
    of: (real) => {
      const { get, put, keep } = keeping(real, () => false)
      return {
        get,
        put,
        async commit(batch, options) {
          let next: Uint8Array | undefined
          const { pointer } = batch
          const answer = await real.commit!(
            pointer === undefined
              ? batch
              : {
                  ...batch,
                  pointer: {
                    key: pointer.key,
                    decide: (current) => {
                      next = pointer.decide(current)
                      return next
                    },
                  },
                },
            options,
          )
          if (pointer !== undefined && next !== undefined) {
            const meta = await real.head(pointer.key)
            keep(pointer.key, meta!.version, [next])
          }
          return answer
        },
      }
    },
  },
  {
    name: "gives decide its own bytes of the pointer",
    caughtBy: ["commit: a body may use its memory again, and decide may change what it was given"],
    of: (real) => ({
      async commit(batch, options) {
        const { pointer } = batch
        if (pointer === undefined) return real.commit!(batch, options)
        let mine: { before: Uint8Array; bytes: Uint8Array; moved: boolean } | undefined
        const decide: typeof pointer.decide = (current) => {
          const before = current?.bytes.slice()
          const next = pointer.decide(current)
          if (current !== undefined) mine = { before: before!, bytes: current.bytes, moved: next !== undefined }
          return next
        }
        const settle = async () => {
          if (mine === undefined || mine.moved || Buffer.compare(mine.before, mine.bytes) === 0) return
          await real.put(pointer.key, [mine.bytes.slice()])
        }
        try {
          return await real.commit!({ ...batch, pointer: { key: pointer.key, decide } }, options)
        } finally {
          await settle()
        }
      },
    }),
  },
  {
    name: "sends the memory of a part later",
    caughtBy: ["parts: the memory of a part is the caller's again once it was sent"],
    inParts: true,
    of: (real) => ({
      parts: {
        ...real.parts!,
        part: async (upload, part, options) => {
          const answer = await real.parts!.part(upload, part, options)
          return { answer, part, upload }
        },
        async complete(upload, sent, options) {
          const all = sent as { answer: unknown; part: Parameters<NonNullable<typeof real.parts>["part"]>[1] }[]
          const answers: unknown[] = []
          for (const { part } of all) answers.push(await real.parts!.part(upload, part, {}))
          return real.parts!.complete(upload, answers, options)
        },
      },
    }),
  },
]
