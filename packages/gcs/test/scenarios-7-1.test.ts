import { test } from "vitest"
import { describeShare } from "../../conformance/test/describe-share.js"
import { clients, gcsStorage } from "./storage.js"

describeShare({ test, storage: gcsStorage(clients["@google-cloud/storage 7"]) }, 0, 2)
