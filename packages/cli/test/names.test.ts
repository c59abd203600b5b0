import { describe, expect, test } from "vitest"
import { fileNameOf } from "../src/looking/extract.js"
import { sampleOf } from "../src/looking/verify.js"
import { bytesText, durationText } from "../src/output/amounts.js"
import { clean, cut, widthOf } from "../src/output/text.js"

describe("the name of a file for an operator", () => {
  const names = [
    "window",
    "Window",
    "WINDOW",
    "..",
    ".",
    ".hidden",
    "",
    "a/b",
    "a%2Fb",
    "a\\b",
    "C:",
    "con",
    "nul.txt",
    "a.",
    "\0",
    "👩‍👩‍👧",
    "é".normalize("NFC"),
    "é".normalize("NFD"),
    "x".repeat(10_000),
    `${"x".repeat(9_999)}y`,
  ]

  test("is plain, is no way out of the folder, and fits every filesystem", () => {
    for (const name of names) {
      const file = fileNameOf(name)
      expect(file).toMatch(/^[A-Za-z0-9_%~.-]+$/)
      expect(file).not.toMatch(/^\.|\.$|^(?:con|nul)(?:\.|$)/)
      expect(file.length).toBeLessThan(200)
    }
    expect(fileNameOf("window")).toBe("window")
  })

  test("is another for another operator, also where case does not count", () => {
    expect(new Set(names.map((name) => fileNameOf(name).toLowerCase())).size).toBe(names.length)
  })
})

describe("text for a terminal", () => {
  test("spells out what the terminal would obey, and leaves the rest", () => {
    expect(clean("\x1b[31m\x9b2J\u202eabc\u2066\n\t\ud800")).toBe("\\x1b[31m\\x9b2J\\u202eabc\\u2066\\x0a\\x09\\ud800")
    expect(clean("שלום 👩‍👩‍👧 família")).toBe("שלום 👩‍👩‍👧 família")
  })

  test("is cut to its columns, never within a character", () => {
    expect(cut("window", 6)).toBe("window")
    expect(cut("windows", 6)).toBe("windo…")
    expect(cut("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 5)).toBe("👩‍👩‍👧👩‍👩‍👧…")
    // A thousand accents on one letter.
    const zalgo = `a${"\u0301".repeat(1000)}`
    expect(cut(zalgo.repeat(3), 10).length).toBeLessThan(100)
    for (const text of ["x".repeat(10_000), "漢".repeat(5_000), "🫠".repeat(3_000)])
      expect(widthOf(cut(text, 40))).toBeLessThanOrEqual(40)
  })

  test("has two units of a time, and one of a size", () => {
    expect([0, 999, 1000, 61_000, 3_600_000, 90_000_000, -5000].map(durationText)).toEqual([
      "0 ms",
      "999 ms",
      "1s",
      "1m 1s",
      "1h",
      "1d 1h",
      "-5s",
    ])
    expect([0, 1023, 1024, 1536, 10_240, 1_048_575, 2 ** 40].map(bytesText)).toEqual([
      "0 B",
      "1023 B",
      "1.0 KiB",
      "1.5 KiB",
      "10 KiB",
      "1.0 MiB",
      "1.0 TiB",
    ])
  })
})

test("a sample has its share of the checkpoints, and always the latest", () => {
  const ids = Array.from({ length: 100 }, (_, index) => index + 1)
  for (const share of [0.001, 0.2, 1]) {
    const taken = sampleOf(ids, share)
    expect(taken).toHaveLength(Math.ceil(100 * share))
    expect(taken.at(-1)).toBe(100)
    expect([...taken].sort((a, b) => a - b)).toEqual([...new Set(taken)])
  }
  expect(sampleOf([], 0.5)).toEqual([])
})
