import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { expect, test } from "vitest"
import { createManifest, fromUrl, openCheckpointStore, openFsStore, openObjects } from "../src/index.js"
import { temporaryFolder } from "./folder.js"

const manifest = createManifest({ checkpointId: 1, epoch: 1 })

test.each(["directory", "objects"] as const)("a store by its URL is the store by its path: %s", async (layout) => {
  const root = join(await temporaryFolder(), "50% of a#b?")
  const place = await fromUrl(pathToFileURL(root).href)
  await using store = await openCheckpointStore({ ...place, layout })
  await store.save(manifest, { state: Buffer.from("state") })
  await using same = await openFsStore(root, { layout })
  expect((await same.recover({ depth: "deep" })).checkpoint?.manifest).toEqual(await store.load(1))
})

test("a relative URL starts at the current folder, and nothing is created before the first write", async () => {
  const root = await temporaryFolder()
  const before = process.cwd()
  process.chdir(root)
  try {
    const { backend, ...options } = await fromUrl("file:./my data/../objects/")
    expect(options).toEqual({ prefix: "", ownsBackend: true, timeoutMs: 300_000 })
    process.chdir(before)
    expect(await readdir(root)).toEqual([])
    await using objects = openObjects(backend, options)
    await objects.create("k", Buffer.from("bytes"))
    expect(await readdir(join(root, "objects"))).toContain("k")
  } finally {
    process.chdir(before)
  }
})

test("a folder that must exist is not created", async () => {
  const root = await temporaryFolder()
  const { backend, ...options } = await fromUrl(pathToFileURL(join(root, "gone")).href, { mustExist: true })
  await using objects = openObjects(backend, options)
  await expect(objects.create("k", Buffer.from("bytes"))).rejects.toMatchObject({ code: "CKPT_IO" })
  expect(await readdir(root)).toEqual([])
})

test.each([
  ["./data", {}, "For a folder write file:./data"],
  ["s3://jobs/a", {}, "import fromUrl from @ckpt/s3"],
  ["file:", {}, "file: has no folder"],
  ["file:./a#b", {}, "%23 for #"],
  ["file:./a%00b", {}, "the root is"],
  ["file:./a", null, "the options are null"],
  ["file:./a", { readonly: true }, "mean readOnly?"],
  ["file:./a", { layout: "directory" }, "fromUrl: there is no option layout"],
])("fromUrl(%j, %o) is CKPT_INVALID", async (url, options, text) => {
  const invalid = { code: "CKPT_INVALID", message: expect.stringContaining(text) }
  await expect(fromUrl(url, options as never)).rejects.toMatchObject(invalid)
})
