import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { formatId, parseId } from "../../src/format/ids.js"
import { createLayout, type LayoutName, normalizePrefix } from "../../src/format/layout.js"

const layouts: LayoutName[] = ["directory", "objects"]

describe("ids in names", () => {
  test("every safe id is read back from its name", async () => {
    await fc.assert(fc.property(fc.maxSafeNat(), (id) => parseId(formatId(id)) === id))
  })

  test.each([
    "9",
    "00009",
    "0000009",
    "+00011",
    "-00001",
    " 000001",
    "000001 ",
    "1e6",
    "0x00001",
    "",
    "٠٠٠٠٠١",
    "000001\n",
  ])("%j is not an id", (text) => {
    expect(parseId(text)).toBeUndefined()
  })

  test("an id beyond 2^53 - 1 is told apart from a foreign name", () => {
    expect(parseId("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER)
    expect(parseId("9007199254740992")).toBe("unsafe")
    expect(parseId("9007199254740993")).toBe("unsafe")
    expect(parseId("18446744073709551615")).toBe("unsafe")
  })
})

describe.each(layouts)("%s layout", (name) => {
  test("a key means the object that it was made for, under any prefix", async () => {
    const prefixes = fc.constantFrom("", "a", "team/job-1/", "ünï/cödé", "%2e%2e%2e")
    await fc.assert(
      fc.property(prefixes, fc.maxSafeNat(), (prefix, id) => {
        const layout = createLayout(name, prefix)
        expect(layout.meaning(layout.manifestKey(id))).toEqual({ kind: "manifest", id })
        expect(layout.meaning(layout.stateKey(id))).toEqual({ kind: "state", id })
        for (const key of [layout.pointerKey, layout.historyKey]) expect(layout.meaning(key)).toEqual({ kind: "note" })
        expect(layout.meaning(layout.probeKey("00ff"))).toEqual({ kind: "probe" })
        expect(layout.manifestKey(id).startsWith(layout.manifestPrefix)).toBe(true)
        expect(layout.stateKey(id).startsWith(layout.statePrefix)).toBe(true)
      }),
    )
  })

  test("a key of one prefix is foreign under another prefix", () => {
    const inner = createLayout(name, "a/b")
    for (const prefix of ["", "a", "a/bc", "b"]) {
      const outer = createLayout(name, prefix)
      expect(outer.meaning(inner.manifestKey(1))).toEqual({ kind: "foreign" })
      expect(outer.meaning(inner.stateKey(1))).toEqual({ kind: "foreign" })
    }
  })
})

test("names that only resemble ours are foreign", () => {
  const directory = createLayout("directory")
  for (const name of [
    "checkpoint_9",
    "checkpoint_+11",
    "checkpoint_000001.bak",
    "checkpoints_000001",
    "notes.txt",
    "Checkpoint_000001",
  ]) {
    expect(directory.meaning(`checkpoints/${name}/manifest.json`), name).toEqual({ kind: "foreign" })
  }
  const objects = createLayout("objects")
  for (const key of [
    "archive/manifest-000003.json",
    "manifest-000003.json.bak",
    "manifest-3.json",
    "xmanifest-000003.json",
  ]) {
    expect(objects.meaning(`manifests/${key}`), key).toEqual({ kind: "foreign" })
  }
  expect(objects.meaning("checkpoints/manifest-000001.json")).toEqual({ kind: "foreign" })
})

test("anything else under a checkpoint's name takes its id", () => {
  const layout = createLayout("directory")
  for (const rest of ["", "/", "/manifest.json.tmp", "/state.bin/x"]) {
    expect(layout.meaning(`checkpoints/checkpoint_000007${rest}`), rest).toEqual({ kind: "taken", id: 7 })
  }
})

describe("prefixes", () => {
  test("get a slash at the end", () => {
    expect(normalizePrefix("")).toBe("")
    expect(normalizePrefix("a")).toBe("a/")
    expect(normalizePrefix("a/b/")).toBe("a/b/")
  })

  test.each([
    "/a",
    "/",
    "a//b",
    "../a",
    "a/../b",
    "a/..",
    "./a",
    "a/%2e%2e/b",
    "%2E%2e",
    "a\\b",
    "a\u0000b",
    "a\r\nb",
    "\ud800",
    "a\ufffeb",
    "a/\uffff",
    "x".repeat(1025),
  ])("%j is refused", (prefix) => {
    expect(() => normalizePrefix(prefix)).toThrow(expect.objectContaining({ code: "CKPT_INVALID" }))
  })
})
