import { BackendError, type CommitBatch, type ObjectBackend } from "@ckpt/core"
import { bytesAt, collect, listAll } from "../mutants/support.js"
import type { Liar } from "./support.js"

/** A backend that knows which objects a commit created. */
export function knowing(
  real: ObjectBackend,
  change: (created: ReadonlySet<string>) => Partial<ObjectBackend>,
): Partial<ObjectBackend> {
  const created = new Set<string>()
  return {
    ...change(created),
    async commit(batch, options) {
      const metas = await real.commit!(batch, options)
      for (const { key } of batch.create) created.add(key)
      return metas
    },
  }
}

/** A commit with another batch. */
const committing =
  (change: (batch: CommitBatch, real: ObjectBackend) => CommitBatch | Promise<CommitBatch>) =>
  (real: ObjectBackend): Partial<ObjectBackend> => ({
    commit: async (batch, options) => real.commit!(await change(batch, real), options),
  })

const called = (body: CommitBatch["create"][number]["body"]) => (typeof body === "function" ? body() : body)

/** Faults of a commit, and between a commit and the other calls. */
export const commitLiars: readonly Liar[] = [
  {
    name: "put overwrites what a commit created although it must be absent",
    caughtBy: ["commit: what it created is an object for every other call"],
    of: (real) =>
      knowing(real, (created) => ({
        put: (key, body, options = {}) =>
          real.put(
            key,
            body,
            created.has(key) && options.when === "absent" ? { ...options, when: undefined } : options,
          ),
      })),
  },
  {
    name: "put cannot replace what a commit created by its version",
    caughtBy: ["commit: what it created is an object for every other call"],
    of: (real) =>
      knowing(real, (created) => ({
        put: async (key, body, options = {}) => {
          if (created.has(key) && typeof options.when === "object")
            throw new BackendError("precondition", "of a commit")
          return real.put(key, body, options)
        },
      })),
  },
  {
    name: "delete keeps what a commit created",
    caughtBy: ["commit: what was removed can be committed again, and what was put or committed cannot"],
    of: (real) =>
      knowing(real, (created) => ({
        delete: (keys, options) =>
          real.delete(
            keys.filter((key) => !created.has(key)),
            options,
          ),
      })),
  },
  {
    name: "a range of what a commit created is the whole object",
    caughtBy: ["commit: what it created is an object for every other call"],
    of: (real) =>
      knowing(real, (created) => ({
        get: (key, options = {}) => real.get(key, created.has(key) ? { ...options, range: undefined } : options),
      })),
  },
  {
    name: "head does not know what a commit created",
    caughtBy: ['commit: a commit that answers "unsupported" reads no body'],
    of: (real) =>
      knowing(real, (created) => ({
        head: async (key, options) => (created.has(key) ? undefined : real.head(key, options)),
      })),
  },
  {
    name: "a listing does not show what a commit created",
    caughtBy: ["commit: 24 commits at once all reach the pointer"],
    of: (real) =>
      knowing(real, (created) => ({
        async *list(prefix, options) {
          for (const meta of await listAll(real, prefix, options)) if (!created.has(meta.key)) yield meta
        },
      })),
  },
  {
    name: "the condition on a version is passed over for what a commit created",
    caughtBy: ["commit: what it created is an object for every other call"],
    of: (real) =>
      knowing(real, (created) => ({
        get: (key, options = {}) => real.get(key, created.has(key) ? { ...options, ifVersion: undefined } : options),
      })),
  },
  {
    name: "what a commit created comes back after its removal when it is put again and removed",
    caughtBy: ["commit: what was removed can be committed again, and what was put or committed cannot"],
    of: (real) => {
      const kept = new Map<string, Uint8Array>()
      return {
        async commit(batch, options) {
          const metas = await real.commit!(batch, options)
          for (const { key } of batch.create) kept.set(key, (await bytesAt(real, key))!)
          return metas
        },
        async delete(keys, options) {
          const failures = await real.delete(keys, options)
          for (const key of keys) {
            const bytes = kept.get(key)
            if (bytes === undefined) continue
            if (bytes.length === 0) await real.put(key, [bytes])
            else kept.set(key, new Uint8Array())
          }
          return failures
        },
      }
    },
  },
  {
    name: "a commit replaces what put wrote",
    caughtBy: ["commit: a commit over an existing key is refused and changes nothing"],
    of: (real) => {
      const byPut = new Set<string>()
      return {
        async put(key, body, options) {
          const meta = await real.put(key, body, options)
          byPut.add(key)
          return meta
        },
        async commit(batch, options) {
          const old = batch.create.filter(({ key }) => byPut.has(key)).map(({ key }) => key)
          if (old.length > 0) await real.delete(old)
          return real.commit!(batch, options)
        },
      }
    },
  },
  {
    name: "decide does not see a pointer that put wrote",
    caughtBy: ["commit: decide sees the pointer that is there, however it was written, and none if it was removed"],
    of: (real) => {
      let moved = false
      return {
        async commit(batch, options) {
          const { pointer } = batch
          const before = moved
          moved = true
          if (pointer === undefined) return real.commit!(batch, options)
          return real.commit!(
            {
              ...batch,
              pointer: { key: pointer.key, decide: (current) => pointer.decide(before ? current : undefined) },
            },
            options,
          )
        },
      }
    },
  },
  {
    name: "decide sees the pointer of the commit before",
    caughtBy: ["commit: 24 commits at once all reach the pointer"],
    of: (real) => {
      const last = new Map<string, { version: string; bytes: Uint8Array } | undefined>()
      return committing(({ create, pointer }) =>
        pointer === undefined
          ? { create }
          : {
              create,
              pointer: {
                key: pointer.key,
                decide: (current) => {
                  const stale = last.has(pointer.key) ? last.get(pointer.key) : current
                  last.set(pointer.key, current)
                  return pointer.decide(stale)
                },
              },
            },
      )(real)
    },
  },
  {
    name: "decide is told a version that head does not have",
    caughtBy: ["commit: decide is given the current pointer"],
    of: committing(({ create, pointer }) => ({
      create,
      ...(pointer && {
        pointer: {
          key: pointer.key,
          decide: (current) => pointer.decide(current && { ...current, version: `${current.version}.` }),
        },
      }),
    })),
  },
  {
    name: "a pointer that decide leaves is written again",
    caughtBy: ["commit: decide is given the current pointer"],
    of: committing(({ create, pointer }) => ({
      create,
      ...(pointer && {
        pointer: {
          key: pointer.key,
          decide: (current) => pointer.decide(current) ?? current?.bytes ?? new Uint8Array(),
        },
      }),
    })),
  },
  {
    name: "an empty pointer is taken for none",
    caughtBy: ["commit: decide sees the pointer that is there, however it was written, and none if it was removed"],
    of: committing(({ create, pointer }) => ({
      create,
      ...(pointer && {
        pointer: {
          key: pointer.key,
          decide: (current) => pointer.decide(current?.bytes.length === 0 ? undefined : current),
        },
      }),
    })),
  },
  {
    name: "every function for a body is called before the first body is read",
    caughtBy: ["commit: a commit creates its objects, body after body"],
    of: committing(({ create, pointer }) => ({
      create: create.map(({ key, body }) => ({ key, body: called(body) })),
      ...(pointer && { pointer }),
    })),
  },
  {
    name: "a function for a body is called twice",
    caughtBy: ["commit: each body is read once, and each function called once, in order"],
    of: committing(({ create, pointer }) => ({
      create: create.map(({ key, body }) => ({
        key,
        body: typeof body === "function" ? () => [body(), body()][1]! : body,
      })),
      ...(pointer && { pointer }),
    })),
  },
  {
    name: "bodies are read at once",
    caughtBy: ["commit: an aborted commit rejects with the reason and leaves nothing"],
    of: committing(async ({ create, pointer }) => {
      const all = await Promise.all(create.map(async ({ key, body }) => ({ key, body: [await collect(called(body))] })))
      return { create: all, ...(pointer && { pointer }) }
    }),
  },
  {
    name: "a commit that decide ends by throwing has created its objects",
    caughtBy: ["commit: a commit rejects with the error of decide and leaves nothing"],
    of: (real) => ({
      async commit(batch, options) {
        const { pointer } = batch
        let thrown: { error: unknown } | undefined
        const metas = await real.commit!(
          pointer === undefined
            ? batch
            : {
                ...batch,
                pointer: {
                  key: pointer.key,
                  decide: (current) => {
                    try {
                      return pointer.decide(current)
                    } catch (error) {
                      thrown = { error }
                      return undefined
                    }
                  },
                },
              },
          options,
        )
        if (thrown !== undefined) throw thrown.error
        return metas
      },
    }),
  },
  {
    name: "a commit whose second body fails leaves the first object",
    caughtBy: ["commit: an aborted commit rejects with the reason and leaves nothing"],
    of: (real) => ({
      async commit(batch, options) {
        const [first, ...rest] = batch.create
        if (first === undefined || rest.length === 0) return real.commit!(batch, options)
        for (const { key } of batch.create)
          if ((await real.head(key)) !== undefined) throw new BackendError("precondition", key)
        const meta = await real.put(first.key, called(first.body), { when: "absent", signal: options?.signal })
        const metas = await real.commit!({ ...batch, create: rest }, options)
        return metas === "unsupported" ? metas : [meta, ...metas]
      },
    }),
  },
  {
    name: "the metas of a commit come in the order of their keys",
    caughtBy: ["commit: a commit creates its objects, body after body"],
    of: (real) => ({
      async commit(batch, options) {
        const metas = await real.commit!(batch, options)
        return metas === "unsupported" ? metas : [...metas].sort((a, b) => (a.key < b.key ? -1 : 1))
      },
    }),
  },
  {
    name: "the metas of a commit have versions of their own",
    caughtBy: ["commit: a commit creates its objects, body after body"],
    of: (real) => ({
      async commit(batch, options) {
        const metas = await real.commit!(batch, options)
        return metas === "unsupported" ? metas : metas.map((meta, index) => ({ ...meta, version: `batch-${index}` }))
      },
    }),
  },
  {
    name: "the metas of a commit have no size",
    caughtBy: ["commit: a commit creates its objects, body after body"],
    of: (real) => ({
      async commit(batch, options) {
        const metas = await real.commit!(batch, options)
        return metas === "unsupported" ? metas : metas.map((meta) => ({ ...meta, size: 0 }))
      },
    }),
  },
  {
    name: "a commit of two objects under one folder keeps the last alone",
    caughtBy: ["commit: each body is read once, and each function called once, in order"],
    of: (real) => ({
      async commit(batch, options) {
        const metas = await real.commit!(batch, options)
        const folders = new Map(batch.create.map(({ key }) => [key.slice(0, key.lastIndexOf("/")), key]))
        const lost = batch.create
          .filter(({ key }) => folders.get(key.slice(0, key.lastIndexOf("/"))) !== key)
          .map(({ key }) => key)
        if (lost.length > 1) await real.delete(lost.slice(1))
        return metas
      },
    }),
  },
  {
    name: "a refused commit has moved the pointer",
    caughtBy: ["commit: a commit over an existing key is refused and changes nothing"],
    of: (real) => ({
      async commit(batch, options) {
        const { pointer } = batch
        try {
          return await real.commit!(batch, options)
        } catch (error) {
          if (pointer !== undefined && error instanceof BackendError && error.kind === "precondition") {
            await real.commit!({ create: [], pointer }, options)
          }
          throw error
        }
      },
    }),
  },
]
