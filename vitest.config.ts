import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    // The tests of custom-backend are of node:test; packages/published runs them.
    projects: ["packages/*", "examples/*", "!examples/custom-backend"],
    // One more than cores: much of the time is waiting for servers and disks.
    maxWorkers: availableParallelism() + 1,
  },
})
