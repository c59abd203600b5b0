import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

export default defineConfig({
  // As many as cores, where vitest would leave one idle: much of the time is waiting for servers and disks.
  test: { projects: ["packages/*", "examples/*"], maxWorkers: availableParallelism() },
})
