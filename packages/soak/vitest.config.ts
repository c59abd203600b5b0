import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // The first start of a server on a machine installs it.
    testTimeout: 900_000,
  },
})
