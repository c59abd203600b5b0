import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { promisify } from "node:util"
import { expect, test } from "vitest"

const root = new URL("../", import.meta.url)

// Started as a user starts it, from the build.
test("killed while a person is asked, it goes on in another process, and pays for nothing twice", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [new URL("dist/play.js", root).pathname])
  const readme = await readFile(new URL("README.md", root), "utf8")
  expect(stdout).toBe(/^```\n(the first[\s\S]*?)^```$/m.exec(readme)?.[1])
  expect(stderr).toBe("")
  const paid = stdout.split("\n").filter((line) => line.includes("pays for"))
  expect(new Set(paid).size).toBe(paid.length)
  expect(paid).toHaveLength(4)
})
