import type { Body, CommitBatch, Condition, ObjectBackend, ObjectContent, UploadInParts } from "@ckpt/core"
import { inspected } from "./report.js"
import { nextTurn } from "./waiting.js"

/** A call, as a failure shows it. */
interface Noted {
  readonly text: string
  error?: unknown
}

/** So many calls are kept for a failure. */
const latestCalls = 16

function conditionOf({ when }: { when?: Condition | undefined } = {}): string {
  if (when === undefined) return ""
  return when === "absent" ? " when absent" : ` when it has version ${when.version}`
}

/**
 * Counts the calls that a storage is busy with. A scenario can so wait until everything has gone on, however long the
 * storage takes to answer.
 */
export class Activity {
  /** Unanswered calls and unanswered requests for chunks. A call that waits for its caller's source does not count. */
  #pending = 0
  /** Open bodies: neither read to their end nor closed. */
  #bodies = 0
  #begun = 0
  #waiting: (() => void)[] = []
  readonly #latest: Noted[] = []

  /** The latest calls, each with its key; the latest last. */
  get latest(): readonly string[] {
    return this.#latest.map(({ text, error }) => (error === undefined ? text : `${text}: ${inspected(error)}`))
  }

  /** Resolves once the storage has nothing to do and no new call has come for `turns` turns of the event loop. */
  async settled(turns = 20): Promise<void> {
    await this.#quiet(turns, () => this.#pending)
  }

  /** As {@link settled}; besides, every body has been read to its end or closed. */
  async finished(turns: number): Promise<void> {
    await this.#quiet(turns, () => this.#pending + this.#bodies)
  }

  /** Does the work. Until it ends, the storage counts as busy. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#begun++
    this.#pending++
    try {
      return await work()
    } finally {
      this.#pending--
      this.#changed()
    }
  }

  #call<T>(call: string, key: string, work: () => Promise<T>, condition = ""): Promise<T> {
    const noted = this.#note(call, key, condition)
    return this.during(async () => {
      try {
        return await work()
      } catch (error) {
        noted.error = error
        throw error
      }
    })
  }

  #note(call: string, key: string, condition = ""): Noted {
    const noted: Noted = { text: `${call} ${key}${condition}` }
    this.#latest.push(noted)
    if (this.#latest.length > latestCalls) this.#latest.shift()
    return noted
  }

  /** The same backend, with all its work counted. */
  track(backend: ObjectBackend): ObjectBackend {
    const { parts, leftovers, confirm, commit, announce, claim } = backend
    return {
      name: backend.name,
      capabilities: backend.capabilities,
      ...(announce && { announce: (options) => this.during(() => announce.call(backend, options)) }),
      ...(parts && { parts: this.#trackParts(parts) }),
      put: (key, body, options) =>
        this.#call("put", key, () => backend.put(key, this.#fed(body), options), conditionOf(options)),
      get: (key, options) => this.#call("get", key, async () => this.body(await backend.get(key, options))),
      head: (key, options) => this.#call("head", key, () => backend.head(key, options)),
      list: (prefix, options) => {
        this.#note("list", prefix)
        return this.#chunks(backend.list(prefix, options))
      },
      delete: (keys, options) => this.#call("delete", keys.join(", "), () => backend.delete(keys, options)),
      now: (options) => this.during(() => backend.now(options)),
      ...(leftovers && { leftovers: (options) => this.during(() => leftovers.call(backend, options)) }),
      ...(confirm && { confirm: (keys, options) => this.during(() => confirm.call(backend, keys, options)) }),
      ...(commit && {
        commit: ({ create, ...batch }, options) =>
          this.#call("commit", create.map(({ key }) => key).join(", "), () =>
            commit.call(backend, { ...batch, create: create.map((one) => this.#fedLater(one)) }, options),
          ),
      }),
      ...(claim && {
        claim: (options) =>
          this.during(async () => {
            const claimed = await claim.call(backend, options)
            return { ...claimed, backend: this.track(claimed.backend) }
          }),
      }),
      [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
    }
  }

  #trackParts(parts: UploadInParts): UploadInParts {
    return {
      partBytes: (index, size) => parts.partBytes(index, size),
      concurrency: parts.concurrency,
      begin: (key, options) => this.#call("begin", key, () => parts.begin(key, options), conditionOf(options)),
      part: (upload, part, options) => this.during(() => parts.part(upload, part, options)),
      complete: (upload, sent, options) => this.during(() => parts.complete(upload, sent, options)),
      abandon: (upload, options) => this.during(() => parts.abandon(upload, options)),
    }
  }

  /** The same content. Its body counts as open until it is read to its end or closed. */
  body<T extends ObjectContent | undefined>(content: T): T {
    if (content === undefined) return content
    this.#bodies++
    let open = true
    const close = () => {
      if (open) this.#bodies--
      open = false
      this.#changed()
    }
    return { ...content, body: this.#chunks(content.body, close) }
  }

  #chunks<T>(source: AsyncIterable<T>, close = () => {}): AsyncIterable<T> {
    return {
      [Symbol.asyncIterator]: () => {
        const iterator = source[Symbol.asyncIterator]()
        return {
          next: () =>
            this.during(async () => {
              try {
                const step = await iterator.next()
                if (step.done) close()
                return step
              } catch (error) {
                close()
                throw error
              }
            }),
          return: async () => {
            close()
            return (await iterator.return?.()) ?? { done: true, value: undefined }
          },
        }
      },
    }
  }

  /** The caller's body. While the storage awaits a chunk of it, the storage has nothing to do. */
  #fed(body: Body): Body {
    if (!(Symbol.asyncIterator in body)) return body
    return {
      [Symbol.asyncIterator]: () => {
        const iterator = body[Symbol.asyncIterator]()
        return {
          next: async () => {
            this.#pending--
            this.#changed()
            try {
              return await iterator.next()
            } finally {
              this.#pending++
              this.#begun++
            }
          },
          return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
        }
      },
    }
  }

  #fedLater(one: CommitBatch["create"][number]): CommitBatch["create"][number] {
    const { key, body } = one
    return { key, body: typeof body === "function" ? () => this.#fed(body()) : this.#fed(body) }
  }

  async #quiet(turns: number, busy: () => number): Promise<void> {
    let seen = this.#begun
    for (let quiet = 0; quiet < turns; quiet++) {
      while (busy() > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
      await nextTurn()
      if (this.#begun === seen && busy() === 0) continue
      seen = this.#begun
      quiet = -1
    }
  }

  #changed(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}
