import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts", "test/page/chromium.ts"],
    // A test that visits every view, or looks at 100,000 checkpoints, takes a minute on a busy machine.
    testTimeout: 240_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    // Loading three SDKs once for each file would take longer than most of the files.
    isolate: false,
  },
})
