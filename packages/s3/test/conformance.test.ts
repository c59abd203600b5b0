import { describeBackend } from "@ckpt/conformance"
import { test } from "vitest"
import { hasServer, largeBytes, s3Storage } from "./storage.js"

if (hasServer) await describeBackend({ test, factory: s3Storage, largeBytes })
else test.skip("the conformance suite", () => {})
