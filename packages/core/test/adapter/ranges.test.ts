import { describe, expect, test } from "vitest"
import { answeredRange, emptyContent, rangeHeader } from "../../src/adapter/ranges.js"
import { verifiedBody } from "../../src/adapter/verified.js"
import type { ObjectMeta } from "../../src/storage/backend.js"

const meta: ObjectMeta = { key: "k", size: 10, version: "v1", lastModified: new Date(0) }

test("a Range header names the last byte, and says nothing of a whole object", () => {
  expect(rangeHeader(undefined)).toBeUndefined()
  expect(rangeHeader({ offset: 0 })).toBe("bytes=0-")
  expect(rangeHeader({ offset: 3, length: 4 })).toBe("bytes=3-6")
})

describe("answeredRange", () => {
  test.each([
    [{ offset: 3, length: 4 }, "bytes 3-6/10", { size: 10, length: 4 }],
    [{ offset: 3, length: 99 }, "bytes 3-9/10", { size: 10, length: 7 }],
    [{ offset: 3 }, "bytes 3-9/10", { size: 10, length: 7 }],
  ])("%j answered with %s", (range, header, expected) => {
    expect(answeredRange("k", header, range)).toEqual(expected)
  })

  test.each([undefined, null, "", "bytes 0-9/10", "bytes 3-5/10", "bytes 3-7/10", "bytes */10", "bytes 3-6/*"])(
    "%j is not what was asked for",
    (header) => {
      expect(() => answeredRange("k", header, { offset: 3, length: 4 })).toThrow(
        expect.objectContaining({ kind: "transient" }),
      )
    },
  )
})

describe("emptyContent", () => {
  test("of nothing is nothing", () => {
    expect(emptyContent(undefined, { range: { offset: 0, length: 0 } })).toBeUndefined()
  })

  test.each([
    [{ offset: 10 }, "v1"],
    [{ offset: 10, length: 5 }, undefined],
    [{ offset: 4, length: 0 }, undefined],
  ])("at %j it has no bytes and the whole object's meta", async (range, ifVersion) => {
    const content = emptyContent(meta, { range, ifVersion })
    expect(content?.meta).toBe(meta)
    for await (const _ of content?.body ?? []) expect.unreachable()
  })

  test.each([
    [{ offset: 11 }, undefined, "precondition"],
    [{ offset: 11, length: 0 }, undefined, "precondition"],
    [{ offset: 10 }, "v2", "precondition"],
    [{ offset: 4 }, undefined, "transient"],
  ])("at %j of version %s: %s", (range, ifVersion, kind) => {
    expect(() => emptyContent(meta, { range, ifVersion })).toThrow(expect.objectContaining({ kind }))
  })
})

describe("verifiedBody", () => {
  async function* chunks(...all: string[]): AsyncGenerator<Uint8Array, void, void> {
    for (const text of all) yield new TextEncoder().encode(text)
  }
  const byteSum = () => {
    let sum = 0
    return {
      update: (bytes: Uint8Array) => {
        for (const byte of bytes) sum += byte
      },
      value: () => String(sum),
    }
  }
  const sumOf = (text: string) => String([...text].reduce((sum, c) => sum + c.charCodeAt(0), 0))

  test.each([[[]], [["ab"]], [["a", "bc", "d"]]])("%j passes with its checksum", async (texts) => {
    const body = verifiedBody("k", chunks(...texts), byteSum(), sumOf(texts.join("")))
    let seen = ""
    for await (const chunk of body) seen += new TextDecoder().decode(chunk)
    expect(seen).toBe(texts.join(""))
  })

  test("with another one it rejects before the last chunk is handed over", async () => {
    const seen: string[] = []
    const read = async () => {
      for await (const chunk of verifiedBody("k", chunks("a", "b"), byteSum(), sumOf("ax"))) {
        seen.push(new TextDecoder().decode(chunk))
      }
    }
    await expect(read()).rejects.toMatchObject({ kind: "transient" })
    expect(seen).toEqual(["a"])
  })

  test("empty chunks at the end do not let the last bytes through unverified", async () => {
    const seen: string[] = []
    const read = async (expected: string) => {
      seen.length = 0
      for await (const chunk of verifiedBody("k", chunks("", "a", "b", "", ""), byteSum(), sumOf(expected))) {
        seen.push(new TextDecoder().decode(chunk))
      }
    }
    await expect(read("ax")).rejects.toMatchObject({ kind: "transient" })
    expect(seen).toEqual(["a"])
    await read("ab")
    expect(seen).toEqual(["a", "b"])
  })

  test.each([false, true])("a reader that leaves (after a chunk: %s) closes the body", async (started) => {
    let closed = false
    const source: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: new Uint8Array(1) }),
        async return() {
          closed = true
          return { done: true as const, value: undefined }
        },
      }),
    }
    const iterator = verifiedBody("k", source, byteSum(), "")[Symbol.asyncIterator]()
    if (started) await iterator.next()
    await iterator.return?.()
    expect(closed).toBe(true)
  })
})
