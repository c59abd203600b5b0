import { BackendError, type Body, type ObjectBackend, type PutOptions, type UploadInParts } from "@ckpt/core"
import { MemoryBackend } from "../../src/index.js"
import { collect, listAll } from "./support.js"

/** A large body of the cases has several parts. */
const partBytes = 256 * 1024

/** An upload under way. */
export interface Upload {
  readonly key: string
  readonly name: string
  readonly when: PutOptions["when"]
  readonly parts: Uint8Array[]
}

/**
 * The memory backend with leftovers, an atomic commit and, if asked for, parts, which it does not have by itself. The mutants
 * change this one.
 */
export function completeMemory({ inParts = false }: { inParts?: boolean | undefined } = {}): ObjectBackend {
  const inner = new MemoryBackend()
  const uploads = new Map<string, Date>()
  let started = 0
  let tail: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = tail.then(work)
    tail = result.catch(() => undefined)
    return result
  }

  async function upload(key: string, body: Body, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const name = `${key}#${++started}`
    uploads.set(name, new Date())
    try {
      const bytes = await collect(body, { signal })
      if (!uploads.has(name)) throw new BackendError("transient", `the upload ${name} was removed`)
      return bytes
    } finally {
      uploads.delete(name)
    }
  }

  const parts: UploadInParts<Upload> = {
    partBytes: () => partBytes,
    concurrency: 3,
    async begin(key, { when, signal }) {
      signal?.throwIfAborted()
      const name = `${key}#${++started}`
      uploads.set(name, new Date())
      return { key, name, when, parts: [] }
    },
    async part(upload, { index, bytes }, { signal }) {
      signal?.throwIfAborted()
      if (uploads.has(upload.name)) uploads.set(upload.name, new Date())
      upload.parts[index] = new Uint8Array(bytes)
    },
    async complete({ key, name, when, parts }, _, { signal }) {
      signal?.throwIfAborted()
      if (!uploads.delete(name)) throw new BackendError("precondition", `the upload ${name} is over`)
      return alone(() => inner.put(key, Object.values(parts), { when }))
    },
    async abandon({ name }) {
      uploads.delete(name)
    },
  }

  return {
    name: "complete memory",
    capabilities: inner.capabilities,
    ...(inParts && { parts }),
    async put(key, body, { when, signal } = {}) {
      signal?.throwIfAborted()
      const bytes = await upload(key, body, signal)
      return alone(() => inner.put(key, [bytes], { when, signal }))
    },
    get: (key, options) => alone(() => inner.get(key, options)),
    head: (key, options) => alone(() => inner.head(key, options)),
    async *list(prefix, options) {
      yield* await alone(() => listAll(inner, prefix, options))
    },
    delete: (keys, options) => alone(() => inner.delete(keys, options)),
    now: (options) => inner.now(options),
    async leftovers({ olderThanMs, prefix, mayGo = () => true, dryRun, signal }) {
      signal?.throwIfAborted()
      const found = [...uploads]
        .filter(([name, since]) => name.startsWith(prefix) && Date.now() - since.getTime() > olderThanMs)
        .filter(([name, since]) => mayGo(name.slice(0, name.lastIndexOf("#")), since))
        .map(([name, since]) => ({ name, since }))
      if (!dryRun) for (const { name } of found) uploads.delete(name)
      return found
    },
    async commit({ create, pointer }, { signal } = {}) {
      signal?.throwIfAborted()
      const bodies: Uint8Array[] = []
      for (const { key, body } of create) {
        bodies.push(await upload(key, typeof body === "function" ? body() : body, signal))
      }
      return alone(async () => {
        signal?.throwIfAborted()
        for (const { key } of create) {
          if ((await inner.head(key)) !== undefined) throw new BackendError("precondition", `${key} exists`)
        }
        const content = pointer && (await inner.get(pointer.key))
        const current = content && { version: content.meta.version, bytes: await collect(content.body) }
        const next = pointer?.decide(current)
        const metas = []
        for (const [index, { key }] of create.entries()) metas.push(await inner.put(key, [bodies[index]!]))
        if (pointer !== undefined && next !== undefined) await inner.put(pointer.key, [next])
        return metas
      })
    },
    async [Symbol.asyncDispose]() {},
  }
}
