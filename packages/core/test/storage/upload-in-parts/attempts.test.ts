import { describe, expect, test } from "vitest"
import { BackendError } from "../../../src/errors.js"
import type { Body } from "../../../src/storage/backend.js"
import { chunks, Recorder, text, twice, upload } from "./support.js"

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
