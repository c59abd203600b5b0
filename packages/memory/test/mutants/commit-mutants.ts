import type { CommitBatch, ObjectMeta } from "@ckpt/core"
import { bytesAt, collect, type Mutant, taken, tick } from "./support.js"

const opened = (body: CommitBatch["create"][number]["body"]) => (typeof body === "function" ? body() : body)

/** Faults of an atomic commit, for a backend that has one. */
export const commitMutants: readonly Mutant[] = [
  {
    name: "a commit writes one object after the other",
    of: (real) => ({
      async commit({ create, pointer }, options) {
        const metas: ObjectMeta[] = []
        for (const { key } of create) if ((await real.head(key)) !== undefined) throw taken(key)
        for (const { key, body } of create) {
          metas.push(await real.put(key, opened(body), { ...options, when: "absent" }))
        }
        await real.commit!({ create: [], ...(pointer && { pointer }) }, options)
        return metas
      },
    }),
  },
  {
    name: "a commit moves the pointer first",
    of: (real) => ({
      async commit({ create, pointer }, options) {
        const bodies: Uint8Array[] = []
        for (const { body } of create) bodies.push(await collect(opened(body), options))
        options?.signal?.throwIfAborted()
        for (const { key } of create) if ((await real.head(key)) !== undefined) throw taken(key)
        if (pointer !== undefined) await real.commit!({ create: [], pointer })
        await tick()
        return real.commit!({ create: create.map(({ key }, index) => ({ key, body: [bodies[index]!] })) })
      },
    }),
  },
  {
    name: "a commit asks for all bodies at once",
    of: (real) => ({
      commit: ({ create, ...batch }, options) =>
        real.commit!({ ...batch, create: create.map(({ key, body }) => ({ key, body: opened(body) })) }, options),
    }),
  },
  {
    name: "a commit overwrites",
    of: (real) => ({
      async commit(batch, options) {
        for (const { key, body } of batch.create) if (Array.isArray(body)) await real.delete([key])
        return real.commit!(batch, options)
      },
    }),
  },
  {
    name: "a commit begins a batch that it then does not support",
    of: (real) => ({
      async commit(batch, options) {
        const folders = new Set(batch.create.map(({ key }) => key.split("/").slice(0, -1).join("/")))
        if (folders.size <= 1) return real.commit!(batch, options)
        for (const { body } of batch.create) if (Symbol.asyncIterator in body) await collect(body, options)
        return "unsupported"
      },
    }),
  },
  {
    name: "a commit keeps what came before a body failed",
    of: (real) => ({
      async commit(batch, options) {
        const [first] = batch.create
        try {
          return await real.commit!(batch, options)
        } catch (error) {
          if (error instanceof Error && Array.isArray(first?.body))
            await real.put(first.key, first.body, { when: "absent" })
          throw error
        }
      },
    }),
  },
  {
    name: "a commit ignores abort",
    of: (real) => ({ commit: (batch) => real.commit!(batch) }),
  },
  {
    name: "a commit decides the pointer before its turn",
    of: (real) => ({
      async commit({ create, pointer }, options) {
        if (pointer === undefined) return real.commit!({ create }, options)
        const meta = await real.head(pointer.key)
        const current = meta && { version: meta.version, bytes: (await bytesAt(real, pointer.key))! }
        const next = pointer.decide(current)
        return real.commit!({ create, pointer: { key: pointer.key, decide: () => next } }, options)
      },
    }),
  },
  {
    name: "a commit never tells what the pointer is",
    of: (real) => ({
      commit: ({ create, pointer }, options) =>
        real.commit!(
          { create, ...(pointer && { pointer: { key: pointer.key, decide: () => pointer.decide(undefined) } }) },
          options,
        ),
    }),
  },
  {
    name: "a commit writes an empty pointer where it should leave it",
    of: (real) => ({
      commit: ({ create, pointer }, options) =>
        real.commit!(
          {
            create,
            ...(pointer && {
              pointer: { key: pointer.key, decide: (current) => pointer.decide(current) ?? new Uint8Array() },
            }),
          },
          options,
        ),
    }),
  },
  {
    name: "a commit swallows an error of decide",
    of: (real) => ({
      commit: ({ create, pointer }, options) =>
        real.commit!(
          {
            create,
            ...(pointer && {
              pointer: {
                key: pointer.key,
                decide(current) {
                  try {
                    return pointer.decide(current)
                  } catch {
                    return undefined
                  }
                },
              },
            }),
          },
          options,
        ),
    }),
  },
  {
    name: "a commit looks for its keys before its turn",
    of: (real) => ({
      async commit({ create, pointer }, options) {
        for (const { key } of create) if ((await real.head(key)) !== undefined) throw taken(key)
        const bodies: Uint8Array[] = []
        for (const { body } of create) bodies.push(await collect(opened(body), options))
        options?.signal?.throwIfAborted()
        const metas: ObjectMeta[] = []
        for (const [index, { key }] of create.entries()) metas.push(await real.put(key, [bodies[index]!]))
        await real.commit!({ create: [], ...(pointer && { pointer }) })
        return metas
      },
    }),
  },
]
