import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    // The tests of custom-backend are of node:test; packages/published runs them.
    projects: ["packages/*", "examples/*", "!examples/custom-backend"],
    // Twice the cores: much of the time is waiting for servers, disks and time-outs.
    maxWorkers: availableParallelism() * 2,
  },
})
