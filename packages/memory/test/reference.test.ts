import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { describeScenarios, referenceScenarios } from "@ckpt/conformance"
import { expect, test } from "vitest"
import { memoryStorage } from "./storage.js"

describeScenarios({ test, storage: memoryStorage, scenarios: referenceScenarios })

test("docs/reference-tests.md has a row for each test of the reference, and no other", async () => {
  const page = await readFile(join(import.meta.dirname, "../../../docs/reference-tests.md"), "utf8")
  const rows = [...page.matchAll(/^\| `(test_\w+)` \|/gm)].map(([, name]) => name)
  expect(rows).toHaveLength(52)
  expect(rows.sort()).toEqual(referenceScenarios.map(({ name }) => name.replace(/:.*/, "")).sort())
})
