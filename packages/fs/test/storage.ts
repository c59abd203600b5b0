import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestStorage } from "@ckpt/conformance"
import type { ObjectBackend } from "@ckpt/core"
import { nodeFiles } from "../src/files/file-api.js"
import { type FileApi, FsBackend } from "../src/index.js"

/** A new folder, with a backend of its own for each store. */
export function fsStorage({
  wrap = (root: string): ObjectBackend => new FsBackend(root),
  place = tmpdir(),
} = {}): TestStorage {
  let root: Promise<string> | undefined
  return {
    async open() {
      root ??= temporaryFolder(place)
      return wrap(await root)
    },
    async outside() {
      root ??= temporaryFolder(place)
      return new FsBackend(await root, { files: { ...nodeFiles, lstat: blind } })
    },
    async dispose() {
      if (root !== undefined) await remove(await root)
    },
  }
}

/** Sees no claims, as other programs do not. */
const blind: FileApi["lstat"] = (path, options) =>
  /(^|[\\/])\.claims([\\/]|$)/.test(path)
    ? Promise.reject(Object.assign(new Error(`ENOENT: ${path} is not looked at`), { code: "ENOENT" }))
    : nodeFiles.lstat(path, options)

/** For tests that look at the files themselves. */
export async function inTemporaryFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder(tmpdir())
  try {
    await use(folder)
  } finally {
    await remove(folder)
  }
}

function temporaryFolder(place: string): Promise<string> {
  return mkdtemp(join(place, "ckpt-fs-"))
}

function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true })
}
