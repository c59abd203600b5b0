import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test } from "vitest"

test("the README's program runs as plain JavaScript", async () => {
  const packageFolder = fileURLToPath(new URL("..", import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), "ckpt-readme-"))
  try {
    const readme = await readFile(join(packageFolder, "README.md"), "utf8")
    await writeFile(join(folder, "program.mjs"), /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "")
    await mkdir(join(folder, "node_modules/@ckpt"), { recursive: true })
    await symlink(packageFolder, join(folder, "node_modules/@ckpt/memory"))
    const { stdout } = await promisify(execFile)(process.execPath, ["program.mjs"], { cwd: folder })
    expect(stdout).toBe("hello\n")
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
