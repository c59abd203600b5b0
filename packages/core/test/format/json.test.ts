import fc from "fast-check"
import { expect, test } from "vitest"
import { formatPath, JsonError, type JsonValue, MAX_JSON_VALUES, parseJson, printJson } from "../../src/format/json.js"

const failure = (text: string): JsonError => {
  try {
    parseJson(text)
  } catch (error) {
    if (error instanceof JsonError) return error
    throw error
  }
  return expect.fail(`accepted ${text.slice(0, 80)}`)
}

/** The plain form of a value, for comparison with `JSON.parse`. */
function plain(value: JsonValue): unknown {
  if (value === null || typeof value !== "object") return value
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(plain)
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]))
  return Number((value as { number: string }).number)
}

test("property: agrees with JSON.parse, compact and indented", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), fc.constantFrom(undefined, 2, "\t"), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent)
      expect(plain(parseJson(text))).toEqual(JSON.parse(text))
    }),
  )
})

test("property: prints as JSON.stringify does", () => {
  // The next test has numbers: JSON.stringify rewrites them.
  const strings = fc
    .jsonValue({ stringUnit: "binary", noUnicodeString: false })
    .filter((v) => !/\d/.test(JSON.stringify(v)))
  fc.assert(
    fc.property(strings, (value) => {
      const text = JSON.stringify(value, undefined, 2)
      expect(printJson(parseJson(text))).toBe(text)
    }),
  )
})

test("numbers and the order of keys are kept as written", () => {
  const text = `{\n  "10": 1e999,\n  "9": -0,\n  "__proto__": 1.50,\n  "": 123456789012345678901234567890,\n  "e": [],\n  "o": {}\n}`
  expect(printJson(parseJson(text))).toBe(text)
})

test("escapes are read and written as serde_json writes them", () => {
  expect(parseJson(String.raw`"\u0041\ud83e\udd80\/\b\f\n\r\t\"\\\u0007"`)).toBe('A🦀/\b\f\n\r\t"\\\u0007')
  expect(printJson('A🦀/\b\f\n\r\t"\\\u0007\u001f\u007f\u2028')).toBe(
    `${String.raw`"A🦀/\b\f\n\r\t\"\\\u0007\u001f`}\u007f\u2028"`,
  )
})

test.each([
  ["", "found the end"],
  ["\uFEFF{}", "found U+FEFF"],
  ["NaN", 'found "N"'],
  ["Infinity", 'found "I"'],
  ["-", 'found "-"'],
  ["+1", 'found "+"'],
  ["01", '"1" after the end'],
  ["1.", '"." after the end'],
  [".5", 'found "."'],
  ["nul", 'found "n"'],
  ["truex", '"x" after the end'],
  ["{} {}", '"{" after the end'],
  ["{,}", 'expected a key, found ","'],
  ['{"a":1,}', 'expected a key, found "}"'],
  ["{a:1}", 'expected a key, found "a"'],
  ["{'a':1}", "expected a key"],
  ['{"a" 1}', 'expected ":"'],
  ['{"a":1 "b":2}', 'expected "," or "}"'],
  ["[1,]", 'found "]"'],
  ["[1 2]", 'expected "," or "]"'],
  ["[", "found the end"],
  ['{"a":', "found the end"],
  ['"abc', "unterminated string"],
  ['"abc\\', "unterminated string"],
  ['"a\nb"', "control character"],
  ['"\\x"', "bad escape"],
  ['"\\u12g4"', "bad escape"],
  ['"\\ud83e"', "lone surrogate"],
  ['"\\udd80\\ud83e"', "lone surrogate"],
  ['{"\\ud83e":1}', "lone surrogate"],
  ['"\ud83e"', "lone surrogate"],
  ["\u00a0{}", "found U+00A0"],
  ["/* */ {}", 'found "/"'],
])("rejects %j", (text, reason) => {
  expect(failure(text).message).toContain(reason)
})

test("a duplicate key is found at every depth, also when spelt differently", () => {
  expect(failure('{"a":1,"a":1}')).toMatchObject({ path: "", reason: 'duplicate key "a"', offset: 7 })
  expect(failure('{"a":[{"b c":{"x":1,"\\u0078":2}}]}')).toMatchObject({
    path: 'a[0]["b c"]',
    reason: 'duplicate key "x"',
  })
  expect(failure('{"__proto__":1,"__proto__":2}').reason).toBe('duplicate key "__proto__"')
})

test("nesting and the number of values have limits", () => {
  expect(() => parseJson(`${"[".repeat(128)}${"]".repeat(128)}`)).not.toThrow()
  expect(failure("[".repeat(129)).reason).toContain("nested deeper than 128")
  expect(failure('{"a":'.repeat(50_000)).reason).toContain("nested deeper than 128")
  expect(() => parseJson(`[${"1,".repeat(MAX_JSON_VALUES - 2)}1]`)).not.toThrow()
  expect(failure(`[${"1,".repeat(MAX_JSON_VALUES - 1)}1]`).reason).toContain("more than 1000000 values")
})

test("a number or a string of many megabytes is read without a stack overflow", () => {
  expect(parseJson("7".repeat(20_000_000))).toEqual({ number: "7".repeat(20_000_000) })
  expect(parseJson(`"${"\\\\".repeat(10_000_000)}"`)).toHaveLength(10_000_000)
})

test("a value that could not be read back is not printed", () => {
  let deep: JsonValue = []
  for (let depth = 1; depth < 128; depth++) deep = [deep]
  expect(parseJson(printJson(deep))).toEqual(deep)
  expect(() => printJson([deep])).toThrow("nested deeper than 128")
  expect(() => printJson("\ud83e")).toThrow("lone surrogate")
  expect(() => printJson(new Map([["\ud83e", null]]))).toThrow("lone surrogate")
  expect(() => printJson({ number: "1.0.0" })).toThrow(JsonError)
  expect(() => printJson({ number: "1\n" })).toThrow(JsonError)
  expect(() => printJson(new Map([["a", [5 as unknown as JsonValue]]]))).toThrow("a[0]: not a JSON value")
  expect(() => printJson(undefined as unknown as JsonValue)).toThrow("not a JSON value")
  expect(() => printJson(["abc", "def"], 10)).toThrow("longer than 10 characters")
  const cycle = new Map<string, JsonValue>()
  cycle.set("a", cycle)
  expect(() => printJson(cycle)).toThrow("nested deeper than 128")
})

test("paths are readable and short", () => {
  expect(formatPath([])).toBe("")
  expect(formatPath(["a", 0, "b c", "", "d_e"])).toBe('a[0]["b c"][""].d_e')
  expect(formatPath(["x".repeat(1000)]).length).toBeLessThan(80)
})
