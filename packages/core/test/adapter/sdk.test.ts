import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, expect, test } from "vitest"
import { lazySdk } from "../../src/adapter/sdk.js"

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

/** An adapter that takes "@cloud/sdk" from 7.15.0 on, in a folder in which it is installed in a version; its module lies two folders deep. */
async function installed(version: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ckpt-sdk-"))
  folders.push(folder)
  const root = join(folder, "node_modules/@cloud/sdk")
  await mkdir(join(root, "build/cjs"), { recursive: true })
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ peerDependencies: { "@cloud/sdk": "^7.15.0 || ^8.0.0" } }),
  )
  const exports = { ".": "./build/cjs/index.js" }
  await writeFile(join(root, "package.json"), JSON.stringify({ name: "@cloud/sdk", version, exports }))
  await writeFile(join(root, "build/cjs/package.json"), JSON.stringify({ type: "commonjs" }))
  await writeFile(join(root, "build/cjs/index.js"), "module.exports = {}")
  return pathToFileURL(join(folder, "adapter.js")).href
}

const sdkAt = (from: string, load: () => Promise<string>) => lazySdk({ name: "@cloud/sdk", from, load })

test.each(["7.15.0", "7.15.1", "8.0.0", "10.2.3", "7.16.0-beta.1"])("%s is loaded, once", async (version) => {
  let loads = 0
  const load = sdkAt(await installed(version), async () => `${++loads}`)
  expect([await load(), await load()]).toEqual(["1", "1"])
})

test.each(["7.14.9", "6.99.0", "0.1.0"])("%s is too old: CKPT_UNSUPPORTED with both versions", async (version) => {
  const load = sdkAt(await installed(version), async () => "sdk")
  const message = expect.stringMatching(new RegExp(`@cloud/sdk ${version} is too old.*7\\.15\\.0`))
  await expect(load()).rejects.toMatchObject({ code: "CKPT_UNSUPPORTED", message })
})

const notFound = (message: string, code = "ERR_MODULE_NOT_FOUND") => Object.assign(new Error(message), { code })

test.each([
  notFound("Cannot find package '@cloud/sdk' imported from /app/node_modules/@ckpt/cloud/dist/index.js"),
  notFound("@ckpt/cloud tried to access @cloud/sdk (a peer dependency) but it isn't provided", "MODULE_NOT_FOUND"),
])("one that is not installed is CKPT_INVALID with the command, and is looked for again: %s", async (error) => {
  let missing = true
  const load = sdkAt(import.meta.url, async () => {
    if (missing) throw error
    return "sdk"
  })
  const message = "@cloud/sdk is not installed. Install it: npm install @cloud/sdk"
  await expect(load()).rejects.toMatchObject({ code: "CKPT_INVALID", message })
  missing = false
  expect(await load()).toBe("sdk")
})

test("one whose own dependency is missing fails with its own error; of one in a bundle the version is not asked for", async () => {
  const mine = notFound("Cannot find package 'other' imported from /app/node_modules/@cloud/sdk/index.js")
  await expect(sdkAt(import.meta.url, () => Promise.reject(mine))()).rejects.toBe(mine)
  expect(await sdkAt("file:///bundle.js", async () => "sdk")()).toBe("sdk")
})
