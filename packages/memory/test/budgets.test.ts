import { budgetScenarios, describeScenarios } from "@ckpt/conformance"
import { test } from "vitest"
import { memoryStorage } from "./storage.js"

describeScenarios({ test, storage: memoryStorage, scenarios: budgetScenarios })
