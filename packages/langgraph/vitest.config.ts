import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["../cloud-tests/test/global-setup.ts"],
    // The official suite takes describe and it from the global scope.
    globals: true,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
