import type { Share } from "../async/budget.js"
import { Meter, type OnProgress } from "../bytes/progress.js"
import { Digest } from "../bytes/sha256.js"
import { BackendError } from "../errors.js"
import type { RetryContext, Watch } from "./attempt.js"
import type { ObjectBackend, ObjectMeta } from "./backend.js"
import { continueRange, type Range } from "./list-range.js"
import { OpenedAhead } from "./opened-ahead.js"
import type { ByteStream } from "./read-object.js"
import { longestInOneBody, rangesOf, type StreamOptions, streamObject } from "./read-ranges.js"
import { readWhole, type StoredBytes, type UnreadObject } from "./read-whole.js"
import { backOff, withRetry } from "./retry.js"

/** An object whose bytes cannot be read; `version: undefined`: something in its place that is no object. */
export interface DamagedObject {
  /** Why, without its full stop. */
  readonly damage: string
  readonly version: string | undefined
}

function isDamage(error: unknown): error is BackendError {
  return error instanceof BackendError && error.kind === "damaged"
}

/** What is hashed while an object is read. */
export interface DigestPlan {
  /** See {@link Digest}. */
  readonly prefix?: Uint8Array | undefined
  /** Called with each chunk, in order. */
  readonly onChunk?: ((chunk: Uint8Array) => void) | undefined
}

/** What core reads from a backend: every request with time-out, retry and abort. */
export class Reads {
  readonly backend: ObjectBackend
  protected readonly context: RetryContext

  constructor(backend: ObjectBackend, context: RetryContext) {
    this.backend = backend
    this.context = context
  }

  #read<T>(name: string, key: string, signal: AbortSignal | undefined, one: (s: AbortSignal, w: Watch) => Promise<T>) {
    return withRetry(this.context, { name, key, write: false, repeatable: true }, signal, one)
  }

  head(key: string, signal?: AbortSignal): Promise<ObjectMeta | undefined> {
    return this.#read("head", key, signal, (s) => this.backend.head(key, { signal: s }))
  }

  now(prefix: string, signal?: AbortSignal): Promise<Date> {
    return this.#read("now", "", signal, (s) => this.backend.now({ prefix, signal: s }))
  }

  /**
   * A whole small object. One over `maxBytes` is not read: it comes back with its meta and no bytes, so that a hostile
   * object costs no memory.
   *
   * @param share of a budget, where many objects may be read at the same time. It is made as large as the object. If there is
   *   no room, the object is asked for again once there is: a body that waits would keep its connection from others
   */
  async readBytes(
    key: string,
    maxBytes: number,
    signal?: AbortSignal,
    share?: Share,
  ): Promise<StoredBytes | UnreadObject | undefined> {
    const mayRead = (size: number) => size <= maxBytes && share?.take(size) !== false
    try {
      for (;;) {
        const stored = await this.#read("get", key, signal, (s, watch) =>
          readWhole(this.backend, key, mayRead, s, watch),
        )
        if (stored === undefined || stored.bytes !== undefined || stored.meta.size > maxBytes) return stored
        await share?.wait(stored.meta.size, signal)
      }
    } catch (error) {
      throw error instanceof BackendError && error.checksumMismatch ? damagedAtRest(error) : error
    }
  }

  /**
   * As {@link readBytes}, for an object that is replaced if its bytes cannot be read. Damage comes back with the version of the
   * object; without a version, what is there is no object. The version is looked at before the last reading: an object that
   * took the place of the damaged one meanwhile has another.
   */
  async readOrDamage(
    key: string,
    maxBytes: number,
    signal?: AbortSignal,
  ): Promise<StoredBytes | UnreadObject | DamagedObject | undefined> {
    for (let version: string | undefined; ; ) {
      try {
        return await this.readBytes(key, maxBytes, signal)
      } catch (error) {
        if (!isDamage(error)) throw error
        const damage = error.message.replace(/\.$/, "")
        if (version !== undefined) return { damage, version }
        version = await this.#versionAt(key, signal)
        if (version === undefined) return { damage, version }
      }
    }
  }

  async #versionAt(key: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    try {
      return (await this.head(key, signal))?.version
    } catch (error) {
      if (!isDamage(error)) throw error
      return undefined
    }
  }

  /** The bytes of an object as they arrive; see {@link streamObject}. `gone` at the first step if nothing is there. */
  stream(key: string, options: StreamOptions & { recycles?: boolean } = {}): ByteStream {
    const { recycles } = options
    return streamObject({ backend: this.backend, context: this.context, key, recycles }, options)
  }

  /**
   * Opens an object before it is known whether anybody will read it; `undefined` for a storage that is near, where that gains
   * nothing. Close it if nobody does.
   */
  openAhead(key: string, signal: AbortSignal | undefined): OpenedAhead | undefined {
    const ranges = rangesOf(this.backend)
    return ranges && new OpenedAhead((options) => this.stream(key, options), ranges.bytes, signal)
  }

  /**
   * Whether what was read has its own checksum after all: bytes may have been damaged on their way, where a storage that is far
   * has a checksum of short objects only. False where there is nothing to find out by reading again, unless `always`.
   */
  async hasChecksum(
    key: string,
    checksum: string,
    part: { offset: number; size: number; whole: boolean; prefix?: Uint8Array | undefined },
    signal: AbortSignal | undefined,
    always = false,
  ): Promise<boolean> {
    const { offset, size, whole, prefix } = part
    const ranges = rangesOf(this.backend)
    if (!always && (ranges === undefined || size <= longestInOneBody(ranges))) return false
    const range = whole ? {} : { offset, length: size }
    const again = await this.digest(key, { ...range, prefix, inOneBody: true, signal })
    return again?.has(checksum) === true
  }

  /**
   * Size and checksum of a stored object, or of a part of it, in constant memory; `undefined` if it is not there.
   *
   * @param options.plan called once the object is open, before its first byte is hashed
   * @param options.prefix see {@link Digest}
   * @param options.onProgress told in the phase `verify`
   */
  async digest(
    key: string,
    options: StreamOptions &
      Partial<DigestPlan> & {
        plan?: (() => Promise<DigestPlan>) | undefined
        onProgress?: OnProgress | undefined
      } = {},
  ): Promise<Digest | undefined> {
    const { onProgress, signal, onOpen, plan = async () => options } = options
    const meter = new Meter(onProgress, "verify")
    for (let failures = 1; ; failures++) {
      let size = 0
      const opened = (meta: ObjectMeta) => {
        size = meta.size
        onOpen?.(meta)
      }
      const stream = this.stream(key, { ...options, onOpen: opened, recycles: true })
      try {
        let step = await stream.next()
        const { prefix, onChunk } = await plan()
        const digest = new Digest(prefix)
        for (; !step.done; step = await stream.next()) {
          digest.update(step.value)
          onChunk?.(step.value)
          meter.reached(digest.size, size)
        }
        if (step.value === "gone") return undefined
        meter.end(digest.size)
        return digest
      } catch (error) {
        await stream.return("complete")
        signal?.throwIfAborted()
        // Damaged on the way: the whole of it again.
        if (!(error instanceof BackendError) || !error.checksumMismatch) throw error
        if (failures >= this.context.policy.attempts) throw damagedAtRest(error)
        await backOff(this.context, { name: "get", key }, failures, error, signal)
      }
    }
  }

  /** Every object under a prefix, once each. A page that fails makes the whole listing start again. */
  list(prefix: string, signal?: AbortSignal): Promise<ObjectMeta[]> {
    return this.#read("list", prefix, signal, async (s, watch) => {
      const byKey = new Map<string, ObjectMeta>()
      for await (const meta of this.backend.list(prefix, { signal: s })) {
        watch.touch()
        byKey.set(meta.key, meta)
      }
      return [...byKey.values()]
    })
  }

  /**
   * The entries of a range, in order. After a failure the listing goes on behind the last entry that came.
   */
  listRange(prefix: string, range: Range, signal?: AbortSignal): Promise<ObjectMeta[]> {
    const found: ObjectMeta[] = []
    return this.#read("list", prefix, signal, async (s, watch) => {
      await continueRange(this.backend, prefix, range, found, s, watch)
      return found
    })
  }

  /** The first object under a prefix that is wanted; `undefined` if there is none. */
  find(prefix: string, isWanted: (meta: ObjectMeta) => boolean, signal?: AbortSignal): Promise<ObjectMeta | undefined> {
    return this.#read("list", prefix, signal, async (s, watch) => {
      for await (const meta of this.backend.list(prefix, { signal: s })) {
        watch.touch()
        if (isWanted(meta)) return meta
      }
      return undefined
    })
  }
}

/** The storage's own checksum failed with every attempt: that is the object's damage, and no outage. */
function damagedAtRest({ message, cause }: BackendError): BackendError {
  return new BackendError("damaged", message, { cause })
}
