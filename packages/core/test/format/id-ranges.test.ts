import fc from "fast-check"
import { expect, test } from "vitest"
import { IdRanges } from "../../src/format/id-ranges.js"

const id = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 }))
const ids = fc.array(id, { maxLength: 30 })

test("ranges are a set of ids: with, without, has, highest; and their text is read back", async () => {
  await fc.assert(
    fc.property(ids, ids, ids, (some, more, gone) => {
      const ranges = IdRanges.of(some).with(more).without(gone)
      const set = new Set([...some, ...more].filter((one) => !gone.includes(one)))
      for (const one of [...some, ...more, ...gone])
        for (const near of [one - 1, one, one + 1]) expect(ranges.has(near)).toBe(set.has(near))
      expect(ranges.isEmpty).toBe(set.size === 0)
      expect(ranges.highest).toBe(Math.max(0, ...set))
      expect(IdRanges.parse(ranges.toString())?.toString()).toBe(ranges.toString())
      expect(IdRanges.of(set).toString()).toBe(ranges.toString())
    }),
    { verbose: 1 },
  )
})

test("a text that is read is written the same", async () => {
  const number = fc.integer({ min: 0, max: 12 })
  const part = fc.oneof(
    number.map(String),
    fc.tuple(number, number).map(([a, b]) => `${a}-${b}`),
  )
  await fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      const text = parts.join(" ")
      expect([undefined, text]).toContain(IdRanges.parse(text)?.toString())
    }),
    { verbose: 1, numRuns: 2_000 },
  )
})

test("consecutive ids are one range, however many", () => {
  const all = Array.from({ length: 100_000 }, (_, index) => index + 1)
  expect(IdRanges.of(all).toString()).toBe("1-100000")
  expect(IdRanges.of(all).without([500]).toString()).toBe("1-499 501-100000")
  expect(IdRanges.of([]).toString()).toBe("")
})

test.each([
  "1-1",
  "2-1",
  "1 1",
  "2 1",
  "0 1",
  "1-3 3-5",
  "1-3 4-5",
  "1-2 3",
  "1-3 2",
  "01",
  "1-",
  "-1",
  " 1",
  "1 ",
  "1  2",
  "1,2",
  "9007199254740992",
  "a",
])("%j is no text of ranges", (text) => {
  expect(IdRanges.parse(text)).toBeUndefined()
})
