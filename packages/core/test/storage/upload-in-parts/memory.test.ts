import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { BackendError } from "../../../src/errors.js"
import type { RecyclingChunks } from "../../../src/storage/backend.js"
import type { UploadOptions } from "../../../src/storage/upload-in-parts.js"
import { chunks, Recorder, text, twice, upload } from "./support.js"

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
