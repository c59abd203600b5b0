import { randomBytes } from "node:crypto"
import { CRC32C } from "@google-cloud/storage"
import { describe, expect, it } from "vitest"
import { checksumsOf, crc32c, RunningChecksums } from "../src/checksums.js"
import { slice } from "../src/content.js"
import { selectFields } from "../src/http/fields.js"
import { pageTokenAfter, readPageToken } from "../src/listing/page-token.js"
import { compareUtf8, SortedNames } from "../src/listing/sorted-names.js"
import { ResumableContent } from "../src/uploads/resumable-content.js"

describe("crc32c", () => {
  it("has the check value of the catalogue and agrees with the client's, however the bytes are cut", async () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283)
    const bytes = randomBytes(10_007)
    const theirs = new CRC32C()
    theirs.update(bytes)
    for (const cut of [1, 7, 8, 9, 4096, 10_007]) {
      const running = new RunningChecksums()
      for (let at = 0; at < bytes.length; at += cut) running.update(bytes.subarray(at, at + cut))
      expect(running.current().crc32c).toBe(theirs.toString())
    }
    expect(await checksumsOf([bytes])).toMatchObject({ crc32c: theirs.toString() })
  })
})

describe("the order of names", () => {
  it("is that of their UTF-8 bytes", () => {
    const units = ["a", "b", "é", "\u07ff", "\ud7ff", "\ue000", "～", "\uffff", "𐀀", "😀", "\u{10ffff}", ""]
    const names = units.flatMap((x) => units.flatMap((y) => [x + y, `${x}a${y}`]))
    const wrong = names.flatMap((x) =>
      names
        .filter((y) => Math.sign(compareUtf8(x, y)) !== Buffer.compare(Buffer.from(x), Buffer.from(y)))
        .map((y) => [x, y]),
    )
    expect(wrong).toEqual([])
  })

  it("holds after adding and deleting", () => {
    const sorted = new SortedNames()
    for (const name of ["c", "a", "b", "a", "d"]) sorted.add(name)
    sorted.delete("b")
    sorted.delete("none")
    expect([...sorted.from("")]).toEqual(["a", "c", "d"])
    expect([...sorted.from("b")]).toEqual(["c", "d"])
  })
})

describe("page tokens", () => {
  it.each(["a", "x".repeat(127), "x".repeat(128), "é".repeat(512)])("carry a name (%#)", (name) => {
    expect(readPageToken(pageTokenAfter(name))).toBe(name)
  })
})

describe("a fields mask", () => {
  const body = { kind: "k", nextPageToken: "t", items: [{ name: "a", size: "1", metadata: { x: "1", y: "2" } }] }

  it.each([
    ["items(name)", { items: [{ name: "a" }] }],
    ["nextPageToken, items(name,metadata/x)", { nextPageToken: "t", items: [{ name: "a", metadata: { x: "1" } }] }],
    ["items/name,kind", { kind: "k", items: [{ name: "a" }] }],
    ["*", body],
    ["items/*", { items: body.items }],
    ["none", {}],
  ])("%s", (fields, selected) => expect(selectFields(body, fields)).toEqual(selected))

  it.each(["items(", "items)", ",", "items(name", "a//b", "items;name"])("%s is refused", (fields) => {
    expect(() => selectFields(body, fields)).toThrow("Invalid field selection")
  })
})

describe("kept content", () => {
  it("is whole quanta until it ends, from pieces of any size", () => {
    const bytes = randomBytes(700_001)
    for (const piece of [1000, 65_536, 262_144, 700_001]) {
      const content = new ResumableContent()
      for (let at = 0; at < bytes.length; at += piece) content.append(bytes.subarray(at, at + piece))
      expect(content.keptBytes).toBe(2 * 262_144)
      content.keepAll()
      expect(Buffer.concat(content.content().chunks).equals(bytes)).toBe(true)
    }
  })

  it("is sliced without regard to its pieces", () => {
    const bytes = randomBytes(100)
    const chunks = [0, 30, 31, 70].map((at, i, all) => bytes.subarray(at, all[i + 1]))
    for (const [start, end] of [
      [0, 100],
      [30, 31],
      [29, 71],
      [50, 50],
      [99, 100],
    ] as const) {
      const cut = Buffer.concat(slice({ chunks, size: 100 }, start, end))
      expect(cut.equals(bytes.subarray(start, end))).toBe(true)
    }
  })
})
