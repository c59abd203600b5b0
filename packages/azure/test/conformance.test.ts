import { describeBackend } from "@ckpt/conformance"
import { inject } from "vitest"
import { azureStorage, test } from "./storage.js"

if (inject("azure") === undefined) test("the conformance of the backend", () => {})
else await describeBackend({ test, factory: azureStorage, largeBytes: 20 * 1024 * 1024 })
