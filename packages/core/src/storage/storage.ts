import { ended, untilAborted } from "../async/abort.js"
import type { Clock } from "../async/clock.js"
import { Gate } from "../async/gate.js"
import { BackendError } from "../errors.js"
import { longestSleepMs, type RetryContext, type Watch } from "./attempt.js"
import type {
  BackendClaim,
  BackendClaimOptions,
  Body,
  DeleteFailure,
  Leftover,
  ObjectBackend,
  ObjectMeta,
  PutOptions,
} from "./backend.js"
import { KnownDurable, type Stored } from "./known-durable.js"
import { putBody } from "./put-body.js"
import { Reads } from "./reads.js"
import { LostAnswers, withRetry } from "./retry.js"
import { type Attempt, uploadInParts } from "./upload-in-parts.js"

/**
 * The backend as the rest of core uses it: every request with time-out, retry and abort. It decides nothing about
 * checkpoints; failures come out as the `BackendError` of the last attempt.
 */
export class Storage extends Reads {
  readonly #durable = new KnownDurable()

  constructor(backend: ObjectBackend, context: Omit<RetryContext, "requests">) {
    const requests = new Gate((what) => new BackendError("permanent", `${what}: the store is closed`))
    super(backend, { ...context, requests })
  }

  /**
   * Waits for what outlives its caller: a request that was given up still removes its temporary names, closes its handles
   * and abandons its upload. Waits no longer than a request may take: a storage that never answers keeps nobody from closing.
   * Later requests are refused.
   */
  async close(): Promise<void> {
    const { requests } = this.context
    if (!requests.isIdle) await this.#noLonger(requests.ended())
    requests.shut()
  }

  /** Closes the backend. Waits no longer than a request may take, as {@link close}. */
  closeBackend(): Promise<void> {
    return this.#noLonger((async () => this.backend[Symbol.asyncDispose]())())
  }

  async #noLonger(ending: Promise<void>): Promise<void> {
    const { clock, policy } = this.context
    const over = new AbortController()
    const limit = clock.sleep(Math.min(policy.timeoutMs, longestSleepMs), over.signal)
    limit.catch(() => {})
    try {
      await Promise.race([ending, limit])
    } finally {
      over.abort(ended)
    }
  }

  /** The store's time. */
  get clock(): Clock {
    return this.context.clock
  }

  /**
   * One conditional write. `transient` failures are tried again as long as the body can be read again; `ambiguous` ones
   * come back at once, to be settled by whoever knows what was written. The requests of an upload in parts are each tried
   * again by themselves, so that a body that can be read only once is never asked for twice.
   *
   * @param options.inParts in parts however short the body is, where the backend has them
   */
  async put(
    key: string,
    body: PutBody,
    options: Pick<PutOptions, "when" | "weakly" | "signal"> & { inParts?: boolean | undefined; once?: boolean } = {},
  ): Promise<ObjectMeta> {
    const { when, weakly, signal, inParts = false, once = false } = options
    const { parts } = this.backend
    let started = false
    const meta = await withRetry(
      this.context,
      { name: "put", key, write: true, repeatable: false },
      signal,
      (s, watch) => {
        started = true
        const opened = body.open(watch)
        // What is in memory may go in one request. Chunks that are asked for one by one are watched one by one.
        if (Array.isArray(opened)) watch.carries(body.size ?? 0)
        // A part has a time-out of its own; the whole upload's stands still meanwhile.
        const attempt: Attempt = (one, bytes = 0) =>
          watch.paused(() =>
            withRetry(this.context, { name: "put part", key, write: true, repeatable: true }, s, (part, sending) => {
              sending.carries(bytes)
              return one(part)
            }),
          )
        const upload = { when, weakly, size: body.size, signal: s, attempt }
        if (inParts && parts !== undefined) return uploadInParts(parts, key, opened, upload)
        return putBody(this.backend, key, opened, upload)
      },
      () => !once && (!started || body.reopenable()),
    )
    this.noteDurable([meta])
    return meta
  }

  /** To be called with objects that the storage has written or confirmed. */
  noteDurable(objects: readonly Stored[]): void {
    if (this.backend.confirm !== undefined) for (const one of objects) this.#durable.note(one)
  }

  /**
   * True if the objects are durable; a storage may show objects that a crash still undoes. To be asked before others are removed because of
   * them. An object that this store has written lately costs no request. A lost answer is false, and is not asked for again: the caller goes
   * on without the objects, and there may be many.
   */
  async isDurable(objects: readonly Stored[], signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await this.#confirmFound(objects, signal, false)
      return true
    } catch (error) {
      if (error instanceof BackendError && error.kind === "ambiguous") return false
      throw error
    }
  }

  /**
   * Resolves once the objects are durable. For a caller that cannot go on without them: a lost answer is asked for again.
   *
   * @throws {BackendError} `ambiguous` if nobody can know that they are durable
   */
  assertDurable(objects: readonly Stored[], signal: AbortSignal | undefined): Promise<void> {
    return this.#confirmFound(objects, signal, true)
  }

  async #confirmFound(objects: readonly Stored[], signal: AbortSignal | undefined, repeatable: boolean): Promise<void> {
    if (this.backend.confirm === undefined) return
    const unsure = objects.filter((one) => !this.#durable.has(one))
    if (unsure.length === 0) return
    const keys = unsure.map(({ key }) => key)
    await this.#confirm(keys, signal, repeatable)
    this.noteDurable(unsure)
  }

  /**
   * To be called where the answer to a write was lost and a reading found what was written. Resolves once that is durable:
   * what is visible may still be undone by a crash.
   *
   * @param lost the failure of the write, if there was one
   * @throws {BackendError} if nobody can know that it is durable
   */
  async confirm(
    keys: readonly string[],
    lost: BackendError | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (lost?.unsettleable) throw lost
    await this.#confirm(keys, signal, true)
  }

  async #confirm(keys: readonly string[], signal: AbortSignal | undefined, repeatable: boolean): Promise<void> {
    const { backend } = this
    if (backend.confirm === undefined) return
    const operation = { name: "confirm", key: keys[0] ?? "", write: true, repeatable }
    await withRetry(this.context, operation, signal, async (s) => backend.confirm?.(keys, { signal: s }))
  }

  /** Counts the attempts of a `put` that its caller settles. */
  lostAnswers(key: string): LostAnswers {
    return new LostAnswers(this.context, { name: "put", key })
  }

  /** Removes keys in as few requests as the storage allows; returns what is still there. */
  async delete(keys: readonly string[], signal?: AbortSignal): Promise<DeleteFailure[]> {
    const size = this.backend.capabilities.maxDeleteBatch
    const failures: DeleteFailure[] = []
    for (let start = 0; start < keys.length; start += size) {
      failures.push(...(await this.#deleteBatch(keys.slice(start, start + size), signal)))
    }
    return failures
  }

  async #deleteBatch(keys: readonly string[], signal: AbortSignal | undefined): Promise<DeleteFailure[]> {
    let left = keys
    let failures: DeleteFailure[] = []
    const operation = { name: "delete", key: keys[0] ?? "", write: true, repeatable: true }
    try {
      await withRetry(this.context, operation, signal, async (s) => {
        failures = await this.backend.delete(left, { signal: s })
        const passing = failures.filter((f) => f.error.kind === "transient" || f.error.kind === "ambiguous")
        const first = passing[0]
        if (first === undefined) return
        left = failures.map((f) => f.key)
        throw first.error
      })
    } catch (error) {
      // Whoever was superseded should hear of it, and not of a key that could not be removed.
      if (signal?.aborted || !(error instanceof BackendError) || error.kind === "fenced") throw error
      const known = new Map(failures.map((f) => [f.key, f.error]))
      return left.map((key) => ({ key, error: known.get(key) ?? error }))
    }
    return failures
  }

  /** What only the backend can see, removed unless `dryRun`; nothing where the backend leaves nothing. */
  leftovers(options: {
    olderThanMs: number
    prefix: string
    mayGo?: (key: string, since: Date) => boolean
    dryRun?: boolean
    signal: AbortSignal | undefined
  }): Promise<Leftover[]> {
    const { backend } = this
    if (backend.leftovers === undefined) return Promise.resolve([])
    const operation = { name: "leftovers", key: options.prefix, write: true, repeatable: true }
    return withRetry(
      this.context,
      operation,
      options.signal,
      async (signal) => (await backend.leftovers?.({ ...options, signal })) ?? [],
    )
  }

  /**
   * The backend's own claim, again if it fails in a way that passes. Without a time-out, since it goes through all that is stored.
   * Whoever aborts does not wait.
   */
  async claim(claim: NonNullable<ObjectBackend["claim"]>, options: BackendClaimOptions): Promise<BackendClaim> {
    const { requests } = this.context
    const attempts = new LostAnswers(this.context, { name: "claim", key: options.prefix })
    const claiming = requests.run("claim", async () => {
      for (;;) {
        try {
          return await claim.call(this.backend, options)
        } catch (error) {
          if (!(error instanceof BackendError) || error.kind !== "transient") throw error
          if (!(await attempts.tryAgain(error, options.signal))) throw error
        }
      }
    })
    try {
      return await untilAborted(claiming, options.signal)
    } catch (error) {
      // A claim that is given after all is given up again, and `close` waits for that.
      requests.run("claim", async () => (await claiming).backend[Symbol.asyncDispose]()).catch(() => {})
      throw error
    }
  }

  /**
   * Something that is not one of the plain requests, with the same time-out and retry. `canRepeat` says whether what
   * was used up by a failed attempt can be had again.
   */
  write<T>(
    name: string,
    key: string,
    signal: AbortSignal | undefined,
    one: (signal: AbortSignal, watch: Watch) => Promise<T>,
    canRepeat: () => boolean,
  ): Promise<T> {
    return withRetry(this.context, { name, key, write: true, repeatable: false }, signal, one, canRepeat)
  }
}

/** A body as `put` needs it: where it can be opened again, a failed attempt can be repeated. */
export interface PutBody {
  open(watch: Watch): Body
  reopenable(): boolean
  readonly size: number | undefined
}

/** Bytes in memory: can be sent as often as needed. */
export function bytesBody(bytes: Uint8Array): PutBody {
  return { open: () => [bytes], reopenable: () => true, size: bytes.length }
}
