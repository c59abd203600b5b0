import { describeBackend } from "@ckpt/conformance"
import { test } from "vitest"
import { hasServer, largeBytes, s3Storage } from "./storage.js"

// If no server can run (no root, no apt), the suite is left out, visibly; with CI=true the start of the server fails
// instead.
if (hasServer) await describeBackend({ test, factory: s3Storage, largeBytes })
else test.skip("the conformance suite", () => {})
