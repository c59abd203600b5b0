import { test as withoutLimit } from "node:test"
import { allScenarios, describeBackend, describeScenarios } from "@ckpt/conformance"
import { storage } from "./storage.mjs"

/** @type {(name: string, body: () => Promise<void>, timeout: number) => unknown} */
const test = (name, body, timeout) => withoutLimit(name, { timeout }, body)

await describeBackend({ test, factory: storage })
describeScenarios({ test, storage, scenarios: allScenarios })
