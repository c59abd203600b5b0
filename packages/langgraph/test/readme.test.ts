import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test } from "vitest"

test("the README's program runs as plain JavaScript, and goes on where it stopped", async () => {
  const packageFolder = fileURLToPath(new URL("..", import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), "ckpt-readme-"))
  try {
    const readme = await readFile(join(packageFolder, "README.md"), "utf8")
    await writeFile(join(folder, "program.mjs"), /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "")
    await mkdir(join(folder, "node_modules/@ckpt"), { recursive: true })
    await symlink(packageFolder, join(folder, "node_modules/@ckpt/langgraph"))
    await symlink(join(packageFolder, "node_modules/@ckpt/fs"), join(folder, "node_modules/@ckpt/fs"))
    await symlink(join(packageFolder, "node_modules/@langchain"), join(folder, "node_modules/@langchain"))
    for (const number of [2, 4]) {
      const { stdout } = await promisify(execFile)(process.execPath, ["program.mjs"], { cwd: folder })
      expect(stdout).toBe(`This is message ${number}.\n`)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
