import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { underNodeTest } from "../../conformance/test/under-node-test.js"

test("the conformance suite and the reference's scenarios pass under node:test", async () => {
  const { text, passed } = await underNodeTest(fileURLToPath(new URL("./conformance.node.mjs", import.meta.url)))
  expect(text).toContain("conformance of fs (compare-and-swap by the process")
  // Some ninety cases, and some seventy scenarios.
  expect(passed).toBeGreaterThan(150)
}, 300_000)
