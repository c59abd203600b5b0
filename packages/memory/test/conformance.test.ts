import { describeBackend } from "@ckpt/conformance"
import { test } from "vitest"
import { memoryStorage } from "./storage.js"

await describeBackend({ test, factory: memoryStorage })
