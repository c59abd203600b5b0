import {
  BackendError,
  type Body,
  type GetOptions,
  type ObjectBackend,
  type ObjectMeta,
  type RequestOptions,
} from "@ckpt/core"
import { MemoryBackend } from "../../src/index.js"

/** A backend that lies in one way: a small change of a backend that does not lie. */
export interface Mutant {
  readonly name: string
  /** Whether each backend that is opened over one storage has a state of its own, as in several processes. */
  readonly eachOpen?: boolean
  /** Whether the real backend has parts. With them its `put` gets only short bodies in memory. */
  readonly inParts?: boolean
  /** The methods that it changes. All others are those of the real backend. */
  of(real: ObjectBackend): Partial<ObjectBackend>
}

export function mutated(mutant: Mutant, real: ObjectBackend): ObjectBackend {
  return { ...real, ...mutant.of(real) }
}

export function isStream(body: Body): body is AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in body
}

/** The whole body; rejects with the reason of an abort, also while the body hangs. */
export async function collect(body: Body, options?: RequestOptions): Promise<Uint8Array> {
  const staging = new MemoryBackend()
  await staging.put("body", body, { signal: options?.signal })
  const chunks: Uint8Array[] = []
  for await (const chunk of (await staging.get("body"))!.body) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

/** The body with each chunk changed, or left out, as it passes. */
export async function* mapped(
  body: Body,
  change: (chunk: Uint8Array) => Uint8Array | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    const changed = change(chunk)
    if (changed !== undefined) yield changed
  }
}

/** For `mapped`: the first bytes, and no more. */
export function upTo(bytes: number): (chunk: Uint8Array) => Uint8Array {
  let room = bytes
  return (chunk) => {
    const part = chunk.subarray(0, room)
    room -= part.length
    return part
  }
}

/** A backend whose versions differ from those of the real backend. */
export function versioned(real: ObjectBackend, version: (meta: ObjectMeta) => string): Partial<ObjectBackend> {
  const told = (meta: ObjectMeta) => ({ ...meta, version: version(meta) })
  return {
    put: async (key, body, options) => told(await real.put(key, body, options)),
    async get(key, options) {
      const content = await real.get(key, options)
      return content && { ...content, meta: told(content.meta) }
    },
    async head(key, options) {
      const meta = await real.head(key, options)
      return meta && told(meta)
    },
    async *list(prefix, options) {
      for await (const meta of real.list(prefix, options)) yield told(meta)
    },
  }
}

/** The bytes of an object that must be there. */
export async function bytesAt(real: ObjectBackend, key: string, options?: GetOptions): Promise<Uint8Array | undefined> {
  const content = await real.get(key, options)
  return content && collect(content.body)
}

export async function listAll(real: ObjectBackend, prefix: string, options?: RequestOptions): Promise<ObjectMeta[]> {
  const metas: ObjectMeta[] = []
  for await (const meta of real.list(prefix, options)) metas.push(meta)
  return metas
}

/** Gives all other tasks a turn. */
export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export const taken = (key: string): BackendError => new BackendError("precondition", `${key} exists`)

type Get = ObjectBackend["get"]

/** Rejections of a get that concern its range or version, handled in another way. */
export const onPrecondition =
  (get: Get, instead: (options: GetOptions, key: string) => ReturnType<Get>): Get =>
  (key, options = {}) =>
    get(key, options).catch((error: unknown) => {
      if (error instanceof BackendError && error.kind === "precondition") return instead(options, key)
      throw error
    })
