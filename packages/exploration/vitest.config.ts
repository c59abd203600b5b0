import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 600_000,
    // Core as Node loads it, also its copies with a rule left out: what vitest makes of a module is slower.
    server: { deps: { external: [/\/packages\/(?:core|fs|memory)\/dist\//, /\/\.variants\//] } },
  },
})
