import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { startGcsServer } from "@ckpt/gcs-server"
import { expect, test } from "vitest"

test("the README's program runs as plain JavaScript, and again on what it left", async () => {
  const packageFolder = fileURLToPath(new URL("..", import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), "ckpt-readme-"))
  // This test has its own server: the bucket has the name that the README gives it.
  const server = await startGcsServer()
  server.createBucket("my-bucket")
  try {
    const readme = await readFile(join(packageFolder, "README.md"), "utf8")
    await writeFile(join(folder, "program.mjs"), /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "")
    await mkdir(join(folder, "node_modules/@ckpt"), { recursive: true })
    await symlink(packageFolder, join(folder, "node_modules/@ckpt/gcs"))
    const env = { ...process.env, STORAGE_EMULATOR_HOST: server.endpoint }
    const run = () => promisify(execFile)(process.execPath, ["program.mjs"], { cwd: folder, env })
    expect(await run()).toEqual({ stdout: "a fresh start\n", stderr: "" })
    expect(await run()).toEqual({ stdout: "state of checkpoint 1\n", stderr: "" })
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
})
