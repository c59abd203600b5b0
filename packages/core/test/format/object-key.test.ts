import { describe, expect, test } from "vitest"
import { whyNotABeginning, whyNotAKey } from "../../src/format/object-key.js"

const long = (bytes: number) => "n".repeat(bytes)

describe("keys of objects", () => {
  test.each([
    "a",
    "threads/7/checkpoints/0001",
    "..a/b..",
    ".hidden",
    "a b+c%20&é日本\uff5e",
    "__proto__/constructor",
    ".ckpt/x",
    ".claims.old/a.tmp-0",
    long(240),
  ])("%j is a key", (key) => expect(whyNotAKey("p/", key)).toBeUndefined())

  test.each([
    ["", /empty/],
    ["/a", /starts with/],
    ["a/", /ends with/],
    ["a//b", /"\/\/"/],
    ["..", /".." segment/],
    ["a/../b", /".." segment/],
    ["a/./b", /"." segment/],
    ["a/%2e%2E/b", /encoded dot/],
    ["a\\b", /backslash/],
    ["a\nb", /control character/],
    ["a\ud800", /surrogate/],
    ["a\uffff", /U\+FFFE or U\+FFFF/],
    ["a🦀", /above U\+FFFF/],
    [".ckpt-probe-0", /".ckpt-probe-0" belong to the library/],
    ["a/.ckpt-spare", /".ckpt-spare" belong to the library/],
    ["a/.Claims/b", /".Claims" belong to the library/],
    [".tmp-0123456789abcdef", /belong to the library/],
    ["a/.writer-0123456789abcdef_1", /belong to the library/],
    [`a/${long(241)}`, /name of 241 bytes/],
    [`${`${long(200)}/`.repeat(3)}${long(136)}`, /741 bytes; 740/],
  ] as const)("%j is none", (key, why) => expect(whyNotAKey("p/", key)).toMatch(why))

  test("a beginning is cut out of a key", () => {
    for (const text of ["", "a", "a/", "a/b", "a/..", "%2e"]) expect(whyNotABeginning("", text)).toBeUndefined()
    // A page ends with the longest of keys, too, and the next one begins behind it.
    for (const text of [long(240), `${`${long(200)}/`.repeat(3)}${long(137)}`])
      expect(whyNotABeginning("", text)).toBeUndefined()
    for (const text of ["/", "a//", "../", "a/../b", "\n", ".ckpt-"])
      expect(whyNotABeginning("", text)).toBeTypeOf("string")
  })
})
