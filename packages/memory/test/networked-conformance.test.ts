import { describeBackend } from "@ckpt/conformance"
import { describe } from "vitest"
import { networkedStorage, seededTest, variants } from "./networked/storage.js"

for (const [name, traits] of Object.entries(variants)) {
  describe(name, async () => {
    await describeBackend({ test: seededTest, factory: networkedStorage(traits), largeBytes: 1_200_000 })
  })
}
