import fc from "fast-check"
import { expect, test } from "vitest"
import { byUtf8 } from "../../src/format/utf8-order.js"

test("orders well-formed strings as their UTF-8 bytes are ordered", () => {
  const unit = fc.oneof(
    fc.string({ unit: "binary", maxLength: 6 }),
    fc.constantFrom("\uffee", "🦀", "é", "a", "\ud7ff", ""),
  )
  const strings = fc.array(unit, { maxLength: 3 }).map((parts) => parts.join(""))
  fc.assert(
    fc.property(strings, strings, (a, b) => {
      expect(Math.sign(byUtf8(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))))
    }),
    { numRuns: 5_000 },
  )
  expect(["🦀", "\uffee"].sort(byUtf8)).toEqual(["\uffee", "🦀"])
})
