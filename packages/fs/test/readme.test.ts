import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterEach, expect, test } from "vitest"
import { openFsStore } from "../src/index.js"

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** The README's first program, in an empty project that has only this package. */
async function emptyProject(packageFolder: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ckpt-readme-"))
  folders.push(folder)
  const readme = await readFile(join(packageFolder, "README.md"), "utf8")
  const program = /```ts\n([\s\S]*?)```/.exec(readme)?.[1]
  expect(program).toBeDefined()
  await writeFile(join(folder, "program.mjs"), program ?? "")
  await mkdir(join(folder, "node_modules/@ckpt"), { recursive: true })
  await symlink(packageFolder, join(folder, "node_modules/@ckpt/fs"))
  return folder
}

test("the README's program runs as plain JavaScript, and goes on where it stopped", async () => {
  const folder = await emptyProject(fileURLToPath(new URL("..", import.meta.url)))
  for (let run = 0; run < 5; run++) {
    await promisify(execFile)(process.execPath, ["program.mjs"], { cwd: folder })
  }
  const store = await openFsStore(join(folder, "data"))
  const latest = await store.loadLatest()
  expect(latest?.sourceOffsets.orders?.offsets["0"]).toBe("5000")
  expect(await store.ids()).toEqual([3, 4, 5])
  await store.close()
})
