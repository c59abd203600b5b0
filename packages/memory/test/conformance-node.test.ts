import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { underNodeTest } from "../../conformance/test/under-node-test.js"

test("the conformance suite and all scenarios pass under node:test", { timeout: 300_000 }, async () => {
  const { text, passed } = await underNodeTest(fileURLToPath(new URL("./conformance.node.mjs", import.meta.url)))
  expect(text).toContain("conformance of memory (compare-and-swap by the storage")
  // Some 70 cases, and some 1,000 scenarios.
  expect(passed).toBeGreaterThan(1_000)
})
