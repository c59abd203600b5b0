import { deltaChannelHistoryTests, specTest } from "@langchain/langgraph-checkpoint-validation"
import { describe } from "vitest"
import { CkptSaver } from "../src/index.js"
import type { EmptyPlace, StorageKind } from "./storages.js"

/** LangGraph's own suite for savers, with the part that it leaves to the saver's choice. */
export function officialSuite({ name, isThere, create }: StorageKind, { withDeltaChannels = true } = {}): void {
  const places = new Map<CkptSaver, EmptyPlace>()
  const initializer = {
    checkpointerName: `CkptSaver over ${name}`,
    async createCheckpointer() {
      const place = await create()
      const saver = new CkptSaver({ backend: place.open() })
      places.set(saver, place)
      return saver
    },
    async destroyCheckpointer(saver: CkptSaver) {
      await saver.close()
      await places.get(saver)?.[Symbol.asyncDispose]()
      places.delete(saver)
    },
  }
  describe.skipIf(!isThere)(name, () => {
    specTest(initializer)
    if (withDeltaChannels) deltaChannelHistoryTests(initializer)
  })
}
