import { describeBackend } from "@ckpt/conformance"
import { test } from "vitest"
import { clients, gcsStorage } from "./storage.js"

// The smallest chunks that the service takes, and several of them.
const factory = gcsStorage(clients["@google-cloud/storage 8"], { chunkBytes: 256 * 1024 })

await describeBackend({ test, factory, largeBytes: 1_200_000 })
