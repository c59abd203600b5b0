import { createHash } from "node:crypto"
import fc from "fast-check"
import { expect, test } from "vitest"
import { cut } from "../src/cut.js"
import { noise } from "./threads.js"

const KiB = 1024

const aSize = fc.oneof(fc.nat(40 * KiB), fc.nat(1024 * KiB), fc.constantFrom(0, 1, 4 * KiB, 16 * KiB, 256 * KiB))
/** Noise, text that repeats itself, and both one behind the other. */
const someBytes = fc
  .array(fc.tuple(fc.nat(1000), aSize, fc.constantFrom(1, 2, 3000, 1024 * KiB)), { maxLength: 3 })
  .map((parts) =>
    Buffer.concat(parts.map(([seed, size, period]) => Buffer.alloc(size, noise(seed, Math.min(period, size || 1))))),
  )

const hashesOf = (bytes: Uint8Array) => cut(bytes).map((piece) => createHash("sha256").update(piece).digest("hex"))
/** The pieces of the second that the first has not. */
const newPieces = (before: Uint8Array, after: Uint8Array) => {
  const there = new Set(hashesOf(before))
  return hashesOf(after).filter((hash) => !there.has(hash))
}

test("the pieces give the bytes, and are the same for the same bytes", () => {
  fc.assert(
    fc.property(someBytes, (bytes) => {
      const pieces = cut(bytes)
      expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
      expect(hashesOf(Buffer.from(bytes))).toEqual(
        pieces.map((each) => createHash("sha256").update(each).digest("hex")),
      )
    }),
    { numRuns: 100 },
  )
})

test("large pieces of 16 to 256 KiB come first, then small ones of 4 to 16 KiB, of which the last may be smaller", () => {
  fc.assert(
    fc.property(someBytes, (bytes) => {
      const sizes = cut(bytes).map(({ length }) => length)
      const firstSmall = sizes.findIndex((size) => size < 16 * KiB)
      const [old, end] = firstSmall === -1 ? [sizes, []] : [sizes.slice(0, firstSmall), sizes.slice(firstSmall)]
      expect(Math.max(0, ...old)).toBeLessThanOrEqual(256 * KiB)
      expect(Math.max(0, ...end)).toBeLessThanOrEqual(16 * KiB)
      expect(Math.min(4 * KiB, ...end.slice(0, -1))).toBe(4 * KiB)
      expect(end.at(-1)).not.toBe(0)
      // The small ones are the end, and together no more than one large piece.
      expect(end.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(256 * KiB)
      expect(sizes.at(-1) ?? 0).toBeLessThanOrEqual(16 * KiB)
    }),
    { numRuns: 100 },
  )
})

test("what is added at the end, up to 4 KiB, makes at most 5 new pieces", () => {
  fc.assert(
    fc.property(someBytes, fc.nat(1000), fc.nat(4 * KiB), (bytes, seed, size) => {
      expect(newPieces(bytes, Buffer.concat([bytes, noise(seed, size)])).length).toBeLessThanOrEqual(5)
    }),
    { numRuns: 100 },
  )
})

test("a message that is added to 1 MiB, taken out of it or changed in its middle makes a few new pieces", () => {
  const before = noise(1, 1024 * KiB)
  const counts: number[] = []
  for (let at = 10 * KiB; at < before.length; at += 50 * KiB) {
    const [left, right] = [before.subarray(0, at), before.subarray(at)]
    counts.push(newPieces(before, Buffer.concat([left, noise(2, KiB), right])).length)
    counts.push(newPieces(before, Buffer.concat([left, right.subarray(KiB)])).length)
    counts.push(newPieces(before, Buffer.concat([left, noise(2, KiB), right.subarray(KiB)])).length)
  }
  expect(cut(before).length).toBeGreaterThan(20)
  expect(counts.filter((count) => count > 3)).toEqual([])
})

test("the cuts stay where they are: another version of this package finds the pieces of this one", () => {
  expect(cut(noise(3, 200 * KiB)).map(({ length }) => length)).toEqual([
    36992, 20643, 32029, 43217, 43239, 6417, 4258, 4151, 5370, 8484,
  ])
})
