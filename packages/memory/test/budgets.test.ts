import { budgetScenarios, describeScenarios, everyFlipScenarios } from "@ckpt/conformance"
import { test } from "vitest"
import { memoryStorage } from "./storage.js"

describeScenarios({ test, storage: memoryStorage, scenarios: [...budgetScenarios, ...everyFlipScenarios] })
