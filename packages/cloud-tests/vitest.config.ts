import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    // Most of a test is waiting for sockets.
    maxConcurrency: 10,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
