// The lowest version that package.json allows, under the same suite. What the suite makes of its own is of the current version.
import { BaseCheckpointSaver } from "langgraph-checkpoint-lowest"
import { expect, test, vi } from "vitest"
import { CkptSaver } from "../src/index.js"
import { officialSuite } from "./official.js"
import { memory } from "./storages.js"

vi.mock("@langchain/langgraph-checkpoint", () => import("langgraph-checkpoint-lowest"))

test("the saver extends the class of that version", async () => {
  expect(Object.getPrototypeOf(CkptSaver)).toBe(BaseCheckpointSaver)
  expect(BaseCheckpointSaver.prototype).not.toHaveProperty("getDeltaChannelHistory")
})

officialSuite(memory, { withDeltaChannels: false })
