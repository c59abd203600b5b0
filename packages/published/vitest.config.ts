import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Whole programs are compiled, and packages packed.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
