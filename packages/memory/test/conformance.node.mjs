// The suite under node:test, as plain JavaScript; conformance-node.test.ts runs it.
import { test } from "node:test"
import { allScenarios, describeBackend, describeScenarios } from "@ckpt/conformance"
import { MemoryBackend } from "@ckpt/memory"

await describeBackend({
  test,
  factory() {
    const backend = new MemoryBackend()
    return { open: () => backend }
  },
})

describeScenarios({
  test,
  scenarios: allScenarios,
  storage() {
    const backend = new MemoryBackend()
    return { open: () => backend }
  },
})
