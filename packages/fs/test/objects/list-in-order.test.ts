import { mkdir, symlink, writeFile } from "node:fs/promises"
import { expect, test } from "vitest"
import { FsBackend, type FsBackendOptions } from "../../src/backend.js"
import { nodeFiles } from "../../src/files/file-api.js"
import { body } from "../backend/support.js"
import { temporaryFolder } from "../folder.js"

async function keysOf(backend: FsBackend, prefix: string, range: object): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of backend.list(prefix, range)) keys.push(key)
  return keys
}

test("a range shows names that are taken at their place, and hides what cannot be a key", async () => {
  const root = await temporaryFolder()
  const backend = new FsBackend(root)
  for (const key of ["t/a", "t/c/1", "t/c-1", "t/e"]) await backend.put(key, body(key))
  await mkdir(`${root}/t/b`)
  await mkdir(`${root}/t/d/below/deeper`, { recursive: true })
  await symlink("/etc", `${root}/t/c.link`)
  await writeFile(`${root}/t/.tmp-0123456789abcdef`, "x")
  await writeFile(`${root}/t/line\nbreak`, "x")
  const ordered = ["t/a", "t/b/", "t/c-1", "t/c.link", "t/c/1", "t/d/below/deeper/", "t/e"]
  for (let limit = 1; limit <= ordered.length + 1; limit++) {
    expect(await keysOf(backend, "t/", { limit })).toEqual(ordered.slice(0, limit))
    for (const [index, after] of ordered.entries())
      expect(await keysOf(backend, "t/", { after, limit })).toEqual(ordered.slice(index + 1, index + 1 + limit))
  }
  expect(await keysOf(backend, "none/", { limit: 1 })).toEqual([])
  expect(await keysOf(backend, "", { after: "s" })).toEqual(ordered)
})

test("a range looks at no more names than it gives, and reads no folder that lies before its start", async () => {
  const root = await temporaryFolder()
  const plain = new FsBackend(root)
  for (let n = 0; n < 50; n++) await plain.put(`t/${n % 2 === 0 ? "x" : "y"}/${String(n).padStart(2, "0")}`, body("x"))
  const looked: string[] = []
  const files = {
    ...nodeFiles,
    lstat: (path: string, options: { bigint: true }) => {
      looked.push(path.slice(root.length))
      return nodeFiles.lstat(path, options)
    },
    readdir: (path: string, options: { withFileTypes: true }) => {
      looked.push(`readdir ${path.slice(root.length)}`)
      return nodeFiles.readdir(path, options)
    },
  } as FsBackendOptions["files"]
  const backend = new FsBackend(root, { files: files as never })
  expect(await keysOf(backend, "t/", { after: "t/y/09", limit: 2 })).toEqual(["t/y/11", "t/y/13"])
  const names = looked.filter((path) => /\d/.test(path))
  expect(names).toEqual(["/t/y/11", "/t/y/13"])
  expect(looked.filter((path) => path.startsWith("readdir"))).toEqual(["readdir /t", "readdir /t/y"])
})

test("a name that changes between file and folder while a range is listed disturbs nothing around it", async () => {
  const root = await temporaryFolder()
  const plain = new FsBackend(root)
  let change = async () => {}
  const files = {
    ...nodeFiles,
    readdir: async (path: string, options: { withFileTypes: true }) => {
      const names = await nodeFiles.readdir(path, options)
      if (path === `${root}/t`) await change()
      return names
    },
  } as FsBackendOptions["files"]
  const backend = new FsBackend(root, { files: files as never })
  for (const key of ["t/a-b", "t/a/x", "t/b", "t/b-c", "t/d"]) await plain.put(key, body(key))
  change = async () => {
    change = async () => {}
    await plain.delete(["t/a/x", "t/b"])
    await plain.put("t/a", body("newer"))
    await plain.put("t/b/x", body("newer"))
  }
  expect(await keysOf(backend, "t/", { limit: 10 })).toEqual(["t/a-b", "t/b-c", "t/d"])
  expect(await keysOf(backend, "t/", { limit: 10 })).toEqual(["t/a", "t/a-b", "t/b-c", "t/b/x", "t/d"])
})
