import { readdir } from "node:fs/promises"
import { openObjects } from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { claimsName, newTemporaryName, spareName } from "../../src/files/paths.js"
import { body, keys, rejections, textAt } from "../backend/support.js"
import { watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

describe("keys", () => {
  test.each([
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/../b",
    "a/./b",
    "a/..",
    "a\0b",
    "a\\b",
    "a\nb",
    "a\r\nb",
    "a\u007fb",
    "\ud800",
    "/etc/passwd",
    "x".repeat(256),
    `${"é".repeat(128)}`,
    ".tmp-0123456789abcdef",
    "a/.stage-0123456789abcdef/b",
    "a/.latest-0123456789abcdef",
  ])("%j is refused, before anything is touched", async (key) => {
    const files = watchFiles()
    const backend = new FsBackend(await temporaryFolder(), { files })
    for (const error of await rejections([
      backend.put(key, body("x")),
      backend.get(key),
      backend.head(key),
      backend.commit({ create: [{ key, body: body("x") }] }),
    ])) {
      expect(error.kind).toBe("permanent")
      expect(error.message).toContain("cannot use the key")
    }
    expect(files.calls.filter(({ name }) => name !== "realpath")).toEqual([])
  })

  test.each([
    "%2e%2e/a",
    "%2F",
    "a b",
    "ü/日本",
    "...",
    ".hidden",
    "a:b",
    "x".repeat(255),
    "__proto__/constructor",
    "-rf",
    "a*?",
  ])("%j is a name like any other", async (key) => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.put(key, body(key))
    expect(await textAt(backend, key)).toBe(key)
    expect(await keys(backend)).toEqual([key])
    expect((await readdir(root)).length).toBe(1)
    expect(await backend.delete([key])).toEqual([])
    expect(await keys(backend)).toEqual([])
  })
})

test("no object has a name that this package keeps for itself, on any storage", async () => {
  const objects = openObjects(new FsBackend(await temporaryFolder()), { readOnly: true })
  const kinds = ["tmp", "stage", "latest", "writer"] as const
  for (const name of [claimsName, claimsName.toUpperCase(), spareName, ...kinds.map(newTemporaryName)])
    await expect(objects.read(`a/${name}/b`)).rejects.toMatchObject({ code: "CKPT_INVALID" })
})
