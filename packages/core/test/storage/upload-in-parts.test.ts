import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { BackendError } from "../../src/errors.js"
import { openFeed } from "../../src/state/feed.js"
import type {
  Body,
  ObjectBackend,
  ObjectMeta,
  PutOptions,
  RecyclingChunks,
  RequestOptions,
  UploadInParts,
  UploadPart,
} from "../../src/storage/backend.js"
import { putBody } from "../../src/storage/put-body.js"
import { type Attempt, type UploadOptions, uploadInParts } from "../../src/storage/upload-in-parts.js"

type Step = { step: "whole" | "begin" | "part" | "complete" | "abandon"; part?: number }

/** A storage that notes what it was asked for, and puts parts together as they were numbered. */
class Recorder implements UploadInParts<string, number> {
  partBytes: (index: number, size?: number) => number = () => 4
  concurrency = 2
  readonly steps: Step[] = []
  readonly parts = new Map<number, UploadPart>()
  stored: Uint8Array | undefined
  when: PutOptions["when"]
  underWay = 0
  mostUnderWay = 0
  onPart: (part: UploadPart, signal: AbortSignal) => Promise<void> = async () => {}
  onComplete: () => Promise<void> = async () => {}

  #meta(): ObjectMeta {
    return { key: "k", size: this.stored?.length ?? 0, version: "v", lastModified: new Date(0) }
  }

  /** Of the backend whose parts these are. */
  async put(_: string, body: Body): Promise<ObjectMeta> {
    this.steps.push({ step: "whole" })
    expect(Array.isArray(body)).toBe(true)
    this.stored = new Uint8Array(Buffer.concat(body as Uint8Array[]))
    return this.#meta()
  }

  async begin(_key: string, { when }: PutOptions): Promise<string> {
    this.steps.push({ step: "begin" })
    this.when = when
    return "upload"
  }

  async part(_: string, part: UploadPart, { signal }: RequestOptions): Promise<number> {
    this.steps.push({ step: "part", part: part.index })
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay)
    try {
      await this.onPart(part, signal as AbortSignal)
      this.parts.set(part.index, { ...part, bytes: part.bytes.slice() })
      return part.index
    } finally {
      this.underWay--
    }
  }

  async complete(_: string, parts: readonly number[], { size }: { size: number }): Promise<ObjectMeta> {
    this.steps.push({ step: "complete" })
    await this.onComplete()
    const chunks = parts.map((index) => this.parts.get(index)?.bytes ?? new Uint8Array())
    this.stored = new Uint8Array(Buffer.concat(chunks))
    expect(this.stored.length).toBe(size)
    return this.#meta()
  }

  async abandon(): Promise<void> {
    this.steps.push({ step: "abandon" })
  }

  named(): string[] {
    return this.steps.map(({ step, part }) => (part === undefined ? step : `${step} ${part}`))
  }
}

const text = (s: string) => new TextEncoder().encode(s)

async function* chunks(...all: Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* all
}

/** By the backend whose parts these are: a body that fits the first part is put whole. */
function upload(storage: Recorder, body: Body, options: UploadOptions = {}): Promise<ObjectMeta> {
  const put: ObjectBackend["put"] = (key, whole) => storage.put(key, whole)
  return putBody({ put, parts: storage } as Partial<ObjectBackend> as ObjectBackend, "k", body, options)
}

/** Attempts as core's retry makes them: again after `transient` and `ambiguous`. */
const twice: Attempt = async (one) => {
  const { signal } = new AbortController()
  try {
    return await one(signal)
  } catch (error) {
    if (!(error instanceof BackendError) || error.kind === "permanent") throw error
    return one(signal)
  }
}

describe("what is sent", () => {
  test("whatever the chunks and the sizes of parts, the bytes arrive as they were given", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        fc.boolean(),
        async (given, sizes, concurrency, inParts, iterable) => {
          const storage = new Recorder()
          const partBytes = (index: number) => sizes[Math.min(index, sizes.length - 1)] as number
          storage.partBytes = partBytes
          storage.concurrency = concurrency
          const body = iterable ? chunks(...given) : given
          const meta = await (inParts ? uploadInParts(storage, "k", body) : upload(storage, body))
          const whole = Buffer.concat(given)
          expect(Buffer.from(storage.stored ?? []).equals(whole)).toBe(true)
          expect(meta.size).toBe(whole.length)
          expect(storage.mostUnderWay).toBeLessThanOrEqual(concurrency)
          const parts = [...storage.parts.values()].sort((a, b) => a.index - b.index)
          expect(parts.map((p) => p.last)).toEqual(parts.map((_, index) => index === parts.length - 1))
          let offset = 0
          for (const part of parts) {
            expect(part.offset).toBe(offset)
            offset += part.bytes.length
            if (!part.last) expect(part.bytes.length).toBe(partBytes(part.index))
          }
        },
      ),
    )
  })

  test("a body that fits one part goes in one request, empty ones too", async () => {
    for (const body of [[], [text("")], [text("abcd")], chunks(), chunks(text("ab"), text("cd"))]) {
      const storage = new Recorder()
      await upload(storage, body)
      expect(storage.named()).toEqual(["whole"])
    }
  })

  test("a longer one, and any that is asked for, goes in parts, made visible at the end", async () => {
    const long = new Recorder()
    await upload(long, chunks(text("abcde")))
    expect(long.named()).toEqual(["begin", "part 0", "part 1", "complete"])
    const empty = new Recorder()
    await uploadInParts(empty, "k", chunks())
    expect(empty.named()).toEqual(["begin", "part 0", "complete"])
  })

  test("the condition is told to the upload when it begins, and to a put of a short body", async () => {
    const storage = new Recorder()
    await upload(storage, chunks(text("abcde")), { when: { version: "v" } })
    expect(storage.when).toEqual({ version: "v" })
    let seen: PutOptions | undefined
    const put: ObjectBackend["put"] = (key, body, options) => {
      seen = options
      return storage.put(key, body)
    }
    const backend = { put, parts: storage } as Partial<ObjectBackend> as ObjectBackend
    for (const body of [chunks(text("ab"), text("c")), [text("a"), text("bc")]]) {
      await putBody(backend, "k", body, { when: "absent" })
      expect(seen).toMatchObject({ when: "absent", size: 3 })
    }
  })

  test("a backend without parts gets every body as it is", async () => {
    const bodies = [chunks(text("abcdefgh")), [text("abcdefgh")]]
    const seen: unknown[] = []
    const put: ObjectBackend["put"] = async (key, body, { signal: _, ...options } = {}) => {
      seen.push(body, options)
      return { key, size: 0, version: "v", lastModified: new Date(0) }
    }
    const backend = { put } as Partial<ObjectBackend> as ObjectBackend
    for (const body of bodies) await putBody(backend, "k", body, { when: "absent", size: 8 })
    const options = { when: "absent", size: 8 }
    expect(seen).toEqual([bodies[0], options, bodies[1], options])
    expect(seen[0]).toBe(bodies[0])
  })

  test("a source may use its buffer again", async () => {
    const buffer = new Uint8Array(3)
    async function* reused(): AsyncGenerator<Uint8Array, void, void> {
      for (const value of [1, 2, 3]) {
        buffer.fill(value)
        yield buffer
      }
    }
    const storage = new Recorder()
    // A state's body is a copy of what its source yields, so that parts can be sent from it as it is.
    const feed = await openFeed(reused(), undefined)
    await upload(storage, feed.open({ touch() {}, paused: (wait) => wait() }))
    expect([...(storage.stored ?? [])]).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3])
  })
})

describe("memory", () => {
  /** Every memory that a part had, and after each part how many there are. */
  async function memories(parts: number, storage: Recorder, options: UploadOptions = {}): Promise<number[]> {
    const seen = new Set<ArrayBufferLike>()
    const counts: number[] = []
    const { onPart } = storage
    storage.onPart = async (part, signal) => {
      seen.add(part.bytes.buffer)
      counts.push(seen.size)
      await onPart(part, signal)
    }
    const all = Array.from({ length: parts }, (_, index) => text(`${index}`.padStart(4, ".")))
    // In two pieces each, which lie apart: what is one piece is sent from where it is.
    const pieces = all.flatMap((part) => [part.slice(0, 1), part.slice(1)])
    await upload(storage, chunks(...pieces), options)
    expect(new TextDecoder().decode(storage.stored)).toBe(new TextDecoder().decode(Buffer.concat(all)))
    return counts
  }

  test("that of parts that were sent is used again: what is under way, and one that is filled meanwhile", async () => {
    const storage = new Recorder()
    storage.onPart = async () => {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    }
    expect(Math.max(...(await memories(50, storage)))).toBeLessThanOrEqual(storage.concurrency + 1)
  })

  test("that of a part that needed a second attempt is not: the first may still be sending it", async () => {
    const storage = new Recorder()
    const failed = new Set<number>()
    storage.onPart = async ({ index }) => {
      if (failed.has(index)) return
      failed.add(index)
      throw new BackendError("transient", "reset")
    }
    const counts = await memories(10, storage, { attempt: twice })
    expect(counts.at(-1)).toBe(10)
  })

  /** What is given back is overwritten at once. */
  function recycling(...all: Uint8Array[]): RecyclingChunks & { readonly recycled: Uint8Array[] } {
    const recycled: Uint8Array[] = []
    return {
      recycled,
      recycle(chunk) {
        recycled.push(chunk)
        chunk.fill(0)
      },
      [Symbol.asyncIterator]: () => chunks(...all),
    }
  }

  test("bytes that stay where they are, one behind the other, are sent from there", async () => {
    const whole = text("abcdefghij")
    const body = recycling(whole.subarray(0, 3), whole.subarray(3, 4), whole.subarray(4))
    const storage = new Recorder()
    const sent: ArrayBufferLike[] = []
    storage.onPart = async ({ bytes }) => {
      sent.push(bytes.buffer)
      // It is the source's, and must not become the memory of another part.
      await Promise.resolve()
    }
    await upload(storage, body)
    expect(sent).toEqual([whole.buffer, whole.buffer, whole.buffer])
    expect(body.recycled).toEqual([])
    expect(new TextDecoder().decode(storage.stored)).toBe("abcdefghij")
    expect(new TextDecoder().decode(whole)).toBe("abcdefghij")
  })

  test("what lies apart is copied together, and given back where nothing else needs it", async () => {
    const body = recycling(text("ab"), text("c"), text("defgh"), text("i"))
    const storage = new Recorder()
    await upload(storage, body)
    expect(new TextDecoder().decode(storage.stored)).toBe("abcdefghi")
    // Not "defgh": the second part is sent from it.
    expect(body.recycled.map(({ length }) => length)).toEqual([2, 1])
  })

  test("whatever stays, lies together or is given back, the bytes arrive as they were given", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 12 }), fc.boolean()), { maxLength: 12 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 3 }),
        async (given, recycles, size, concurrency) => {
          const whole = Buffer.concat(given.map(([chunk]) => chunk))
          const memory = new Uint8Array(whole)
          let offset = 0
          const pieces = given.map(([chunk, apart]) => {
            offset += chunk.length
            return apart ? chunk.slice() : memory.subarray(offset - chunk.length, offset)
          })
          const storage = new Recorder()
          storage.onPart = async () => {
            for (let turn = 0; turn < 5; turn++) await Promise.resolve()
          }
          storage.partBytes = () => size
          storage.concurrency = concurrency
          await upload(storage, recycles ? recycling(...pieces) : chunks(...pieces))
          expect(Buffer.from(storage.stored ?? []).equals(whole)).toBe(true)
        },
      ),
    )
  })

  test("a part of another size gets its own", async () => {
    const storage = new Recorder()
    const sizes = [2, 2, 3, 3, 1, 3, 2]
    storage.partBytes = (index) => sizes[index] ?? 2
    storage.concurrency = 1
    const whole = text("abcdefghijklmnop")
    await upload(storage, chunks(whole))
    expect(new TextDecoder().decode(storage.stored)).toBe("abcdefghijklmnop")
  })

  test("no more of the source is read than fits what is under way, one more part, and a chunk", async () => {
    const storage = new Recorder()
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    storage.onPart = () => opened
    let read = 0
    async function* counted(): AsyncGenerator<Uint8Array, void, void> {
      for (let index = 0; index < 20; index++) {
        read++
        yield text("abcd")
      }
    }
    const done = upload(storage, counted())
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(read).toBe(storage.concurrency + 2)
    open()
    await done
  })
})

describe("the beginning", () => {
  /** A storage whose upload begins when the test says so. */
  class Slow extends Recorder {
    begins: () => void = () => {}
    fails: (error: unknown) => void = () => {}
    override begin(): Promise<string> {
      this.steps.push({ step: "begin" })
      return new Promise((resolve, reject) => {
        this.begins = () => resolve("upload")
        this.fails = reject
      })
    }
  }
  const turns = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  async function* counted(read: { count: number }): AsyncGenerator<Uint8Array, void, void> {
    for (let index = 0; index < 20; index++) {
      read.count++
      yield text("abcd")
    }
  }

  test("no more than the first part is read meanwhile, and the chunk that tells that there is another", async () => {
    const storage = new Slow()
    const read = { count: 0 }
    const done = upload(storage, counted(read))
    await turns()
    expect(storage.named()).toEqual(["begin"])
    expect(read.count).toBe(2)
    storage.begins()
    await done
    expect(storage.parts.size).toBe(20)
  })

  test("of a body that is known to be long it does not wait for the first part", async () => {
    const storage = new Slow()
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
    const stop = new AbortController()
    const done = upload(storage, silent, { size: 80, signal: stop.signal })
    await turns()
    expect(storage.named()).toEqual(["begin"])
    storage.begins()
    await turns()
    stop.abort(new Error("enough"))
    await expect(done).rejects.toThrow("enough")
    expect(storage.named()).toEqual(["begin", "abandon"])
  })

  test("a source that breaks off meanwhile: the upload is given up once it is known", async () => {
    const storage = new Slow()
    const broken = new Error("the source broke off")
    async function* breaking(): AsyncGenerator<Uint8Array, void, void> {
      yield text("ab")
      throw broken
    }
    const done = upload(storage, breaking(), { size: 80 })
    await turns()
    storage.begins()
    await expect(done).rejects.toBe(broken)
    expect(storage.named()).toEqual(["begin", "abandon"])
  })

  test("one that fails ends the upload, and there is nothing to give up", async () => {
    const storage = new Slow()
    const read = { count: 0 }
    const done = upload(storage, counted(read))
    await turns()
    const refused = new BackendError("denied", "not allowed")
    storage.fails(refused)
    await expect(done).rejects.toBe(refused)
    expect(storage.named()).toEqual(["begin"])
  })
})

describe("attempts", () => {
  test("a failed part is sent again alone, and the body is read once", async () => {
    const storage = new Recorder()
    const failed = new Set<number>()
    storage.onPart = async ({ index }) => {
      if (failed.has(index)) return
      failed.add(index)
      throw new BackendError("ambiguous", "reset")
    }
    let reads = 0
    async function* once(): AsyncGenerator<Uint8Array, void, void> {
      reads++
      yield text("abcdefghij")
    }
    await upload(storage, once(), { attempt: twice })
    expect(new TextDecoder().decode(storage.stored)).toBe("abcdefghij")
    expect(reads).toBe(1)
    expect(storage.named().filter((step) => step === "begin")).toHaveLength(1)
    expect(storage.named().filter((step) => step.startsWith("part"))).toHaveLength(6)
  })

  test("a single request with bytes of an iterable is attempted too; one with an array is its caller's", async () => {
    for (const [body, attempts] of [
      [chunks(text("ab")), 1],
      [[text("ab")], 0],
    ] as const) {
      let seen = 0
      await upload(new Recorder(), body, {
        attempt: (one) => {
          seen++
          return one(new AbortController().signal)
        },
      })
      expect(seen).toBe(attempts)
    }
  })
})

describe("what an attempt is told of its request", () => {
  async function told(body: Body): Promise<unknown[]> {
    const bytes: unknown[] = []
    await upload(new Recorder(), body, {
      attempt: (one, carried) => {
        bytes.push(carried)
        return one(new AbortController().signal)
      },
    })
    return bytes
  }

  test("the bytes that it carries, and none where it carries none", async () => {
    expect(await told(chunks(text("abc")))).toEqual([3])
    // The beginning, the parts, the completion.
    expect(await told(chunks(text("abcdefghi")))).toEqual([undefined, 4, 4, 1, undefined])
    expect(await told([text("abcdefghi")])).toEqual([undefined, 4, 4, 1, undefined])
  })
})

describe("a source that is silent", () => {
  const refused = new BackendError("denied", "no")

  /** Yields this once, and never answers again. */
  function silentAfter(bytes: string) {
    const seen = { asked: 0, told: 0 }
    const body = {
      [Symbol.asyncIterator]: () => ({
        async next(): Promise<IteratorResult<Uint8Array>> {
          if (++seen.asked === 1) return { done: false, value: text(bytes) }
          return new Promise(() => {})
        },
        // Like that of a generator, it waits for the `next` that is under way.
        return(): Promise<IteratorResult<Uint8Array>> {
          seen.told++
          return new Promise(() => {})
        },
      }),
    }
    return { body, seen }
  }

  test("a part that fails ends the wait for it, and the upload is given up", async () => {
    const storage = new Recorder()
    storage.onPart = async () => {
      // The source is asked for the bytes after this part by now.
      await new Promise((resolve) => setImmediate(resolve))
      throw refused
    }
    const { body, seen } = silentAfter("abcdef")
    await expect(upload(storage, body)).rejects.toBe(refused)
    expect(seen).toEqual({ asked: 2, told: 1 })
    expect(storage.named()).toEqual(["begin", "part 0", "abandon"])
  })

  test("a beginning that fails ends it too", async () => {
    const storage = new Recorder()
    storage.begin = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      throw refused
    }
    const { body, seen } = silentAfter("ab")
    await expect(uploadInParts(storage, "k", body)).rejects.toBe(refused)
    expect(seen).toEqual({ asked: 2, told: 1 })
    expect(storage.named()).toEqual([])
  })

  test("in whatever turn it answers last, before the failure, with it or after it", async () => {
    const turns = async (count: number) => {
      for (let turn = 0; turn < count; turn++) await Promise.resolve()
    }
    for (let answersAfter = 0; answersAfter < 40; answersAfter++) {
      const storage = new Recorder()
      let fail = () => {}
      storage.onPart = () =>
        new Promise((_, reject) => {
          fail = () => reject(refused)
        })
      let asked = 0
      const body = {
        [Symbol.asyncIterator]: () => ({
          async next(): Promise<IteratorResult<Uint8Array>> {
            if (++asked === 1) return { done: false, value: text("abcdef") }
            if (asked > 2) return new Promise(() => {})
            void turns(20).then(() => fail())
            await turns(answersAfter)
            return { done: false, value: text("") }
          },
        }),
      }
      await expect(upload(storage, body)).rejects.toBe(refused)
      expect(storage.named()).toEqual(["begin", "part 0", "abandon"])
    }
  })

  test("what it does after the put was over ends no process", async () => {
    const storage = new Recorder()
    storage.onPart = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      throw refused
    }
    let breakOff = (_: unknown) => {}
    let asked = 0
    const body = {
      [Symbol.asyncIterator]: () => ({
        async next(): Promise<IteratorResult<Uint8Array>> {
          if (++asked === 1) return { done: false, value: text("abcdef") }
          return new Promise((_, reject) => {
            breakOff = reject
          })
        },
      }),
    }
    await expect(upload(storage, body)).rejects.toBe(refused)
    breakOff(new Error("too late"))
    // An unhandled rejection would fail this run.
    await new Promise((resolve) => setImmediate(resolve))
  })
})

describe("failures", () => {
  test("of a part: the others are stopped, then the upload is given up", async () => {
    const storage = new Recorder()
    storage.onPart = async ({ index }, signal) => {
      if (index === 1) throw new BackendError("denied", "no")
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
    }
    await expect(upload(storage, chunks(text("abcdefghij")))).rejects.toMatchObject({ kind: "denied" })
    expect(storage.underWay).toBe(0)
    expect(storage.named().at(-1)).toBe("abandon")
    expect(storage.named()).not.toContain("complete")
  })

  test("of a part: one that waits for its next attempt is not waited for", async () => {
    const storage = new Recorder()
    storage.onPart = async ({ index }) => {
      throw new BackendError(index === 0 ? "transient" : "permanent", `part ${index}`)
    }
    const attempt: Attempt = async (one) => {
      try {
        return await one(new AbortController().signal)
      } catch (error) {
        if (error instanceof BackendError && error.kind === "transient") await new Promise(() => {})
        throw error
      }
    }
    await expect(upload(storage, chunks(text("abcdefgh")), { attempt })).rejects.toMatchObject({ message: "part 1" })
    expect(storage.named().at(-1)).toBe("abandon")
  })

  test("of the body: its own error, the upload is given up", async () => {
    const storage = new Recorder()
    const broken = new Error("the source broke")
    async function* failing(): AsyncGenerator<Uint8Array, void, void> {
      yield text("abcdefghij")
      throw broken
    }
    await expect(upload(storage, failing())).rejects.toBe(broken)
    expect(storage.named().at(-1)).toBe("abandon")
    expect(storage.stored).toBeUndefined()
  })

  test.each(["precondition", "denied", "transient", "permanent"] as const)(
    "of the completion, %s: nothing became visible, the upload is given up",
    async (kind) => {
      const storage = new Recorder()
      storage.onComplete = async () => {
        throw new BackendError(kind, "no")
      }
      await expect(upload(storage, chunks(text("abcde")))).rejects.toMatchObject({ kind })
      expect(storage.named().at(-1)).toBe("abandon")
    },
  )

  test("of the completion, unknown: the upload is left, as it may be complete", async () => {
    const storage = new Recorder()
    storage.onComplete = async () => {
      throw new BackendError("ambiguous", "reset")
    }
    await expect(upload(storage, chunks(text("abcde")))).rejects.toMatchObject({ kind: "ambiguous" })
    expect(storage.named().at(-1)).toBe("complete")
  })

  test("an upload that cannot be given up does not hide why", async () => {
    const storage = new Recorder()
    storage.onPart = async () => {
      throw new BackendError("denied", "no")
    }
    storage.abandon = async () => {
      throw new Error("not even that")
    }
    await expect(upload(storage, chunks(text("abcde")))).rejects.toMatchObject({ kind: "denied" })
  })
})

describe("aborts", () => {
  test("before the start: no request, the body is untouched", async () => {
    const storage = new Recorder()
    let opened = false
    const body = {
      [Symbol.asyncIterator]() {
        opened = true
        return chunks()
      },
    }
    const reason = new Error("stop")
    await expect(upload(storage, body, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(opened).toBe(false)
    expect(storage.steps).toEqual([])
  })

  test("while a body hangs: at once, with the reason; the source is told, the upload given up", async () => {
    const storage = new Recorder()
    const abort = new AbortController()
    const reason = new Error("stop")
    let told = false
    let step = 0
    const body = {
      [Symbol.asyncIterator]: () => ({
        async next(): Promise<IteratorResult<Uint8Array>> {
          if (++step === 1) return { done: false, value: text("abcdefghi") }
          // Asked for what comes after the parts that are under way: only the abort ends this.
          queueMicrotask(() => abort.abort(reason))
          return new Promise(() => {})
        },
        async return() {
          told = true
          return { done: true as const, value: undefined }
        },
      }),
    }
    await expect(upload(storage, body, { signal: abort.signal })).rejects.toBe(reason)
    expect(told).toBe(true)
    expect(storage.named().at(-1)).toBe("abandon")
  })
})
