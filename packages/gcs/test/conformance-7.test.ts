import { describeBackend } from "@ckpt/conformance"
import { test } from "vitest"
import { clients, gcsStorage } from "./storage.js"

// Just over one chunk of the default size.
const largeBytes = 9 * 1024 * 1024

await describeBackend({ test, factory: gcsStorage(clients["@google-cloud/storage 7"]), largeBytes })
