import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { openFeed } from "../../../src/state/feed.js"
import type { ObjectBackend, PutOptions } from "../../../src/storage/backend.js"
import { putBody } from "../../../src/storage/put-body.js"
import { uploadInParts } from "../../../src/storage/upload-in-parts.js"
import { chunks, Recorder, text, upload } from "./support.js"

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
