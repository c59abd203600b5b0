import { spawn } from "node:child_process"
import { once } from "node:events"
import { expect } from "vitest"

/**
 * Runs a file of tests by `node --test`. All of them must pass.
 *
 * @returns the output, and the number of tests that passed
 */
export async function underNodeTest(file: string): Promise<{ text: string; passed: number }> {
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
  expect(text).toMatch(/^# fail 0$/m)
  expect(text).toMatch(/^# skipped 0$/m)
  expect(code).toBe(0)
  return { text, passed: Number(/^# pass (\d+)$/m.exec(text)?.[1]) }
}
