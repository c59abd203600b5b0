import { backendCases, claimCases, describeBackend } from "@ckpt/conformance"
import { test } from "vitest"
import { fsStorage } from "./storage.js"

await describeBackend({ test, factory: fsStorage, cases: [...backendCases, ...claimCases] })
