import { expect, test } from "vitest"
import { partSize } from "../src/upload.js"

const mebibyte = 1024 ** 2
const tebibyte = 1024 ** 4
const maxParts = 10_000

/** How many parts a body of this size takes, and the largest of them. */
function parts(total: number, size?: number, wish?: number): { count: number; largest: number } {
  let [count, largest, sent] = [0, 0, 0]
  while (sent < total) {
    const bytes = partSize(count++, size, wish)
    largest = Math.max(largest, bytes)
    sent += bytes
  }
  return { count, largest }
}

test("5 TiB fit into 10,000 parts, whether the size is known or not", () => {
  expect(parts(5 * tebibyte).count).toBeLessThanOrEqual(maxParts)
  expect(parts(5 * tebibyte).largest).toBe(2 * 1024 ** 3)
  expect(parts(5 * tebibyte, 5 * tebibyte).count).toBeLessThanOrEqual(maxParts)
  expect(parts(5 * tebibyte, 5 * tebibyte).largest).toBe(525 * mebibyte)
})

test("8 MiB up to 8,000 MiB; equal parts where the size is known, or a size is wished", () => {
  expect(parts(8000 * mebibyte)).toEqual({ count: 1000, largest: 8 * mebibyte })
  expect(parts(8001 * mebibyte)).toEqual({ count: 1001, largest: 16 * mebibyte })
  expect(parts(100 * 1024 * mebibyte).largest).toBe(64 * mebibyte)
  expect(parts(20_000 * mebibyte, 20_000 * mebibyte)).toEqual({ count: 2500, largest: 8 * mebibyte })
  expect(parts(600 * mebibyte, undefined, 6 * mebibyte)).toEqual({ count: 100, largest: 6 * mebibyte })
})
