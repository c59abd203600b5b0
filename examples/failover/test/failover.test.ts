import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { expect, test } from "vitest"

const program = new URL("../dist/failover.js", import.meta.url).pathname

// Started as a user starts it, from the build.
test.each(["folder", "bucket"])(
  "in a %s: the one that was stopped is fenced, and the history is one line",
  async (kind) => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, kind])
    expect(stdout).toContain("anna wakes up, and is refused: CKPT_FENCED")
    expect(stdout).toContain("history: 1 anna 1 → 2 anna 2 → 3 anna 3 → 4 ben 4 → 5 ben 5 → 6 ben 6\n")
  },
)
