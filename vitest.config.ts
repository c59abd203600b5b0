import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

export default defineConfig({
  // One more than cores: much of the time is waiting for servers and disks.
  test: { projects: ["packages/*", "examples/*"], maxWorkers: availableParallelism() + 1 },
})
