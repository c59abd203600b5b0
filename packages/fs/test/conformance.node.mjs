// The suite and the reference's scenarios under node:test, as plain JavaScript; conformance-node.test.ts runs it. All
// scenarios run under node:test over the LMDB of examples/custom-backend, and over this storage under vitest.
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { describeBackend, describeScenarios, referenceScenarios } from "@ckpt/conformance"
import { FsBackend } from "@ckpt/fs"

async function emptyFolder() {
  const root = await mkdtemp(join(tmpdir(), "ckpt-node-test-"))
  return { open: () => new FsBackend(root), dispose: () => rm(root, { recursive: true, force: true }) }
}

await describeBackend({ test, factory: emptyFolder })
describeScenarios({ test, scenarios: referenceScenarios, storage: emptyFolder })
