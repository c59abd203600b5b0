import { describeScenarios, referenceScenarios } from "@ckpt/conformance"
import { test } from "vitest"
import { fsStorage } from "./storage.js"

describeScenarios({ test, storage: fsStorage, scenarios: referenceScenarios })
