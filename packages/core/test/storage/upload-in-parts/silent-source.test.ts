import { describe, expect, test } from "vitest"
import { BackendError } from "../../../src/errors.js"
import { uploadInParts } from "../../../src/storage/upload-in-parts.js"
import { Recorder, text, upload } from "./support.js"

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
