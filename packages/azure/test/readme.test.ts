import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { BlobServiceClient } from "@azure/storage-blob"
import { expect } from "vitest"
import { azureAccount, newContainer, test } from "./storage.js"

test("the README's program runs as plain JavaScript, and again from where it stopped", async () => {
  const { connectionString } = azureAccount()
  const container = await newContainer()
  const packageFolder = fileURLToPath(new URL("..", import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), "ckpt-readme-"))
  try {
    const readme = await readFile(join(packageFolder, "README.md"), "utf8")
    const program = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ""
    expect(program).toContain('container: "checkpoints"')
    await writeFile(join(folder, "program.mjs"), program.replace('"checkpoints"', `"${container.containerName}"`))
    await mkdir(join(folder, "node_modules/@ckpt"), { recursive: true })
    await symlink(packageFolder, join(folder, "node_modules/@ckpt/azure"))
    const env = { ...process.env, AZURE_STORAGE_CONNECTION_STRING: connectionString }
    for (const line of ["checkpoint 1 holds 1\n", "checkpoint 2 holds 2\n"]) {
      const { stdout } = await promisify(execFile)(process.execPath, ["program.mjs"], { cwd: folder, env })
      expect(stdout).toBe(line)
    }
    const service = BlobServiceClient.fromConnectionString(connectionString)
    const blobs: string[] = []
    for await (const { name } of service.getContainerClient(container.containerName).listBlobsFlat()) blobs.push(name)
    expect(blobs.every((name) => name.startsWith("jobs/orders/"))).toBe(true)
  } finally {
    await rm(folder, { recursive: true, force: true })
    await container[Symbol.asyncDispose]()
  }
})
