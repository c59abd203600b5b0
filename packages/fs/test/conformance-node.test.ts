import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"

test("the conformance suite and the reference's scenarios pass under node:test", async () => {
  const file = fileURLToPath(new URL("./conformance.node.mjs", import.meta.url))
  // A runner inside a runner: node:test hides its results from a process that is a test itself.
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env
  const child = spawn(process.execPath, ["--test", "--test-reporter=tap", file], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => output.push(data.toString()))
  const [code] = (await once(child, "close")) as [number | null]
  const text = output.join("")
  expect(text).toContain("conformance of fs (conditional replace among the callers of one process")
  // Some ninety cases, and some seventy scenarios.
  const passed = Number(/^# pass (\d+)$/m.exec(text)?.[1])
  expect(passed).toBeGreaterThan(150)
  expect(text).toMatch(/^# fail 0$/m)
  expect(text).toMatch(/^# skipped 0$/m)
  expect(code).toBe(0)
}, 300_000)
