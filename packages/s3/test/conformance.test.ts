import { describeBackend } from "@ckpt/conformance"
import { test } from "vitest"
import { hasServer, largeBytes, s3Storage } from "./storage.js"

// Where no server can run (no root, no apt) this is left out, visibly; with CI=true its start fails instead.
if (hasServer) await describeBackend({ test, factory: s3Storage, largeBytes })
else test.skip("the conformance suite", () => {})
