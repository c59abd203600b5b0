import { describe, test } from "vitest"
import { describeShare } from "../../conformance/test/describe-share.js"
import { hasServer, s3Storage } from "./storage.js"

describe.runIf(hasServer)("S3", () => describeShare({ test, storage: s3Storage }, 1, 4))
