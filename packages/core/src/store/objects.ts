import { randomBytes } from "node:crypto"
import { systemClock } from "../async/clock.js"
import { Gate } from "../async/gate.js"
import { BackendError, CheckpointError, withKind } from "../errors.js"
import { safeEmitter } from "../events.js"
import { normalizePrefix } from "../format/layout.js"
import { whyNotABeginning, whyNotAKey } from "../format/object-key.js"
import { headBytes, seal, tokenBytes, type Unsealed, unseal } from "../format/sealed-object.js"
import { byUtf8 } from "../format/utf8-order.js"
import { checkOptions } from "../input/check-options.js"
import { sentence, show } from "../input/show.js"
import { type OperationOptions, operationShape } from "../options.js"
import type { ObjectBackend, ObjectMeta } from "../storage/backend.js"
import { aBackend } from "../storage/check-backend.js"
import { type Creation, createOnce } from "../storage/create-once.js"
import type { Operation } from "../storage/explain.js"
import { Probe } from "../storage/probe.js"
import { retryPolicy } from "../storage/retry.js"
import { bytesBody, Storage } from "../storage/storage.js"
import { maxSwaps, ownVersionRefused, type Swapped, swap } from "../storage/swap.js"
import { Calls } from "./calls.js"
import {
  type CreatedObject,
  type ListObjectsOptions,
  listObjectsShape,
  type ObjectInfo,
  type Objects,
  type ObjectsOptions,
  objectsShape,
  type ReplaceOptions,
  replaceShape,
  type StoredObject,
} from "./objects-api.js"

const mostBytes = 128 * 1024 * 1024

/**
 * Opens objects on a storage, under a prefix of their own. No request is made before the first call. Before the first `create` or
 * `replace`, the storage is asked whether it honours conditions, as a store asks.
 *
 * @throws {CheckpointError} `CKPT_INVALID` if an argument cannot be used
 */
export function openObjects(backend: ObjectBackend, options: ObjectsOptions = {}): Objects {
  if (!aBackend.fits(backend)) {
    const give = typeof aBackend.give === "string" ? aBackend.give : aBackend.give(backend)
    throw new CheckpointError("CKPT_INVALID", sentence(`openObjects: backend is ${show(backend)}; give ${give}`))
  }
  checkOptions("openObjects", options, objectsShape)
  return new ObjectsOn(backend, options)
}

/** What is at a key. */
type Found = Unsealed & { readonly meta: ObjectMeta | undefined }

class ObjectsOn implements Objects {
  readonly #storage: Storage
  readonly #prefix: string
  readonly #calls: Calls
  readonly #probe: Probe
  readonly #ownsBackend: boolean

  constructor(backend: ObjectBackend, options: ObjectsOptions) {
    const { clock = systemClock, random = Math.random, readOnly = false, ownsBackend = false } = options
    const prefix = normalizePrefix(options.prefix ?? "")
    const policy = retryPolicy(options.retry, options.timeoutMs)
    const storage = new Storage(backend, { policy, clock, random, emit: safeEmitter(options.onEvent) })
    const { name } = backend
    const closed = (what: string) =>
      new CheckpointError("CKPT_CLOSED", `${what}: these objects are closed. Open them anew.`, { backend: name })
    this.#storage = storage
    this.#prefix = prefix
    this.#calls = new Calls(new Gate(closed), name, readOnly)
    this.#probe = new Probe({
      storage,
      layout: { name: "objects", probeKey: (unique) => `${prefix}.ckpt-probe-${unique}` },
    })
    this.#ownsBackend = ownsBackend
  }

  create(key: string, bytes: Uint8Array, options: OperationOptions = {}): Promise<CreatedObject> {
    const { signal } = options ?? {}
    return this.#calls.write("objects.create", key, options, operationShape, async () => {
      const at = this.#at("objects.create", key)
      const token = randomBytes(tokenBytes)
      const sealed = await sealedBytes("objects.create", key, bytes, token, signal)
      await this.#probe.once(signal)
      for (let round = 1; ; round++) {
        const created = await createOnce(this.#storage, at, bytesBody(sealed), { signal })
        const settled = await this.#settled(key, created, sealed, token, signal)
        if (settled !== "gone") return settled
        // What refused it was removed before it could be read.
        if (round === maxSwaps) {
          const message = `objects.create of ${key} failed: others create and remove it again and again. Try again later.`
          throw new CheckpointError("CKPT_CONFLICT", message, { ...this.#about(key), retryable: true })
        }
      }
    })
  }

  /** What became of a create. `gone`: it was refused for an object that is not there any more. */
  async #settled(
    key: string,
    created: Creation,
    sealed: Uint8Array,
    token: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<CreatedObject | "gone"> {
    if (created.outcome === "created") return { outcome: "created", ...this.#info(created.meta) }
    const { lost, cause } = created
    const found = await this.#foundAfter(key, lost && cause, signal)
    if (found === undefined) {
      if (lost === undefined) return "gone"
      throw this.#unknown(key, cause)
    }
    if (found.damage !== undefined) throw this.#corrupt("objects.create", key, found.damage)
    const isOurs = Buffer.compare(found.token, token) === 0
    if (Buffer.compare(found.content, sealed.subarray(headBytes)) !== 0) {
      // Ours may have been there, and what is there now may have taken its place.
      if (lost !== undefined) throw this.#unknown(key, cause)
      const message = `objects.create of ${key}: an object with other bytes is there. Nothing was written. Read it and decide: replace that version, or take another key.`
      throw new CheckpointError("CKPT_CONFLICT", message, this.#about(key))
    }
    // A storage that refuses has found a durable object. A reading alone has not.
    if (lost !== undefined) await this.#confirm(key, cause, signal)
    return { outcome: isOurs ? "created" : "existed", ...this.#info(found.meta as ObjectMeta) }
  }

  replace(key: string, bytes: Uint8Array, options: ReplaceOptions): Promise<ObjectInfo> {
    const { version, signal } = options ?? {}
    return this.#calls.write("objects.replace", key, options ?? {}, replaceShape, async () => {
      const at = this.#at("objects.replace", key)
      if (version === undefined) {
        const message = "objects.replace: version is missing; give the version that the object should have."
        throw new CheckpointError("CKPT_INVALID", message, this.#about(key))
      }
      const token = randomBytes(tokenBytes)
      const sealed = await sealedBytes("objects.replace", key, bytes, token, signal)
      await this.#probe.once(signal)
      const swapped = await swap(this.#storage, at, version, sealed, signal)
      return this.#info(
        swapped.outcome === "done" ? swapped.meta : await this.#replaced(key, version, swapped, token, signal),
      )
    })
  }

  /** What became of a replacement that nobody confirmed. */
  async #replaced(
    key: string,
    version: string,
    { lost }: Exclude<Swapped, { outcome: "done" }>,
    token: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<ObjectMeta> {
    const found = await this.#foundAfter(key, lost, signal)
    if (found?.meta !== undefined && found.damage === undefined && Buffer.compare(found.token, token) === 0) {
      if (lost !== undefined) await this.#confirm(key, lost, signal)
      return found.meta
    }
    // Ours may have been there, and what is there now may have taken its place.
    if (lost !== undefined) throw this.#unknown(key, lost)
    if (found === undefined) {
      const message = `objects.replace of ${key}: there is no object. Nothing was written. Create it, if it should be there.`
      throw new CheckpointError("CKPT_NOT_FOUND", message, this.#about(key))
    }
    const refused = ownVersionRefused(key, version, found.meta?.version)
    if (refused !== undefined) throw refused
    const message = `objects.replace of ${key}: the object has another version. Nothing was written. Read it again and decide.`
    throw new CheckpointError("CKPT_CONFLICT", message, this.#about(key))
  }

  read(key: string, options: OperationOptions = {}): Promise<StoredObject | undefined> {
    const { signal } = options ?? {}
    return this.#calls.run("objects.read", key, options, operationShape, async (trace) => {
      this.#at("objects.read", key)
      const found = await this.#find(key, signal)
      if (found === undefined) return undefined
      if (found.damage !== undefined) throw this.#corrupt("objects.read", key, found.damage)
      trace.bytes = found.content.length
      return { ...this.#info(found.meta as ObjectMeta), bytes: found.content }
    })
  }

  head(key: string, options: OperationOptions = {}): Promise<ObjectInfo | undefined> {
    return this.#calls.run("objects.head", key, options, operationShape, async () => {
      const meta = await this.#storage.head(this.#at("objects.head", key), options.signal)
      return meta && this.#info(meta)
    })
  }

  list(options: ListObjectsOptions = {}): Promise<ObjectInfo[]> {
    return this.#calls.run("objects.list", undefined, options, listObjectsShape, async () => {
      const { prefix = "", after = "", limit = Number.MAX_SAFE_INTEGER, signal } = options
      for (const [name, text] of Object.entries({ prefix, after })) {
        const why = whyNotABeginning(this.#prefix, text)
        if (why !== undefined)
          throw this.#invalid("objects.list", `${name} ${show(text)} is no beginning of a key: ${why}`)
      }
      const from = this.#prefix + prefix
      let start: string | undefined
      if (after.startsWith(prefix) && after !== "") start = this.#prefix + after
      else if (byUtf8(after, prefix) > 0) return []
      const objects: ObjectInfo[] = []
      // Names that are no objects are left out, and others asked for in their place.
      for (let most = limit, more = 50; objects.length < limit; most = Math.max(limit - objects.length, more)) {
        // In ever larger steps: a folder of a filesystem is read whole for each.
        more *= 2
        const metas = await this.#storage.listRange(from, { after: start, limit: most }, signal)
        for (const meta of metas) {
          if (whyNotAKey(this.#prefix, this.#keyOf(meta)) === undefined) objects.push(this.#info(meta))
        }
        if (metas.length < most) break
        start = metas.at(-1)?.key
      }
      return objects.slice(0, limit)
    })
  }

  isDurable(keys: string | readonly string[], options: OperationOptions = {}): Promise<boolean> {
    const subject = typeof keys === "string" ? keys : undefined
    return this.#calls.run("objects.isDurable", subject, options, operationShape, async () => {
      const places = this.#places("objects.isDurable", keys)
      const objects = places.map((key) => ({ key, version: undefined }))
      return this.#storage.isDurable(objects, options.signal)
    })
  }

  remove(keys: string | readonly string[], options: OperationOptions = {}): Promise<void> {
    const subject = typeof keys === "string" ? keys : undefined
    return this.#calls.write("objects.remove", subject, options, operationShape, async () => {
      const places = this.#places("objects.remove", keys)
      const failures = await this.#storage.delete(places, options.signal)
      const [first] = failures
      if (first === undefined) return
      const message = `${failures.length} of ${places.length} keys are still there, the first is ${this.#keyOf(first)}: ${first.error.message}`
      throw withKind(first.error, first.error.kind, message)
    })
  }

  async close(): Promise<void> {
    await this.#calls.close()
    await this.#storage.close()
    if (this.#ownsBackend) await this.#storage.closeBackend()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The storage's key. */
  #at(operation: Operation, key: unknown): string {
    if (typeof key !== "string") throw this.#invalid(operation, `the key is ${show(key)}; give a string`)
    const why = whyNotAKey(this.#prefix, key)
    if (why === undefined) return this.#prefix + key
    throw this.#invalid(operation, `the key ${show(key)} cannot be used: ${why}`)
  }

  /** The storage's keys, each once. */
  #places(operation: Operation, keys: unknown): string[] {
    const all: unknown = typeof keys === "string" ? [keys] : keys
    if (!Array.isArray(all))
      throw this.#invalid(operation, `the keys are ${show(all)}; give a key, or an array of keys`)
    return [...new Set(Array.from(all, (key) => this.#at(operation, key)))]
  }

  #keyOf({ key }: { readonly key: string }): string {
    return key.slice(this.#prefix.length)
  }

  #info(meta: ObjectMeta): ObjectInfo {
    const { size, version, lastModified } = meta
    return { key: this.#keyOf(meta), size: Math.max(0, size - headBytes), version, lastModified }
  }

  #about(key: string) {
    return { key, backend: this.#storage.backend.name }
  }

  /** What is at a key, verified. Damage is read again: it may have come on the way. */
  async #find(key: string, signal: AbortSignal | undefined): Promise<Found | undefined> {
    for (let reading = 1; ; reading++) {
      const stored = await this.#storage.readBytes(this.#prefix + key, headBytes + mostBytes, signal)
      if (stored === undefined) return undefined
      const { meta } = stored
      if (stored.bytes === undefined) return { meta, damage: `it has ${meta.size} bytes, more than any object` }
      const unsealed = await unseal(key, stored.bytes, signal)
      if (unsealed.damage === undefined || reading === 2) return { meta, ...unsealed }
    }
  }

  /** As {@link #find}, after a write. If nothing can be read, and an answer was lost, nobody knows what became of the write. */
  async #foundAfter(key: string, lost: BackendError | undefined, signal: AbortSignal | undefined) {
    try {
      return await this.#find(key, signal)
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof BackendError)) throw error
      if (error.kind === "damaged") return { meta: undefined, damage: error.message } satisfies Found
      throw lost === undefined ? error : this.#unknown(key, lost)
    }
  }

  async #confirm(key: string, lost: BackendError, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#storage.confirm([this.#prefix + key], lost, signal)
    } catch (error) {
      throw error instanceof BackendError ? this.#unknown(key, error) : error
    }
  }

  #unknown(key: string, cause: BackendError): CheckpointError {
    const message = `nobody knows whether ${key} was written: ${cause.message.replace(/\.$/, "")}. It may appear later. Make the same call again to find out, or read the object.`
    return new CheckpointError("CKPT_UNKNOWN_OUTCOME", message, { ...this.#about(key), retryable: true, cause })
  }

  #corrupt(operation: Operation, key: string, damage: string): CheckpointError {
    const message = `${operation} of ${key}: what is there does not verify: ${damage}. Replace its version, or remove it.`
    return new CheckpointError("CKPT_CORRUPT", message, this.#about(key))
  }

  #invalid(operation: Operation, problem: string): CheckpointError {
    return new CheckpointError("CKPT_INVALID", sentence(`${operation}: ${problem}`))
  }
}

/** The bytes are copied before anything is awaited: they are the caller's, who goes on. */
async function sealedBytes(
  operation: Operation,
  key: string,
  bytes: Uint8Array,
  token: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (!(bytes instanceof Uint8Array))
    throw new CheckpointError("CKPT_INVALID", `${operation}: the bytes are ${show(bytes)}; give a Uint8Array.`)
  if (bytes.length <= mostBytes) return seal(key, bytes, token, signal)
  const message = `${operation}: ${bytes.length} bytes are more than an object may have, ${mostBytes}.`
  throw new CheckpointError("CKPT_INVALID", message)
}
