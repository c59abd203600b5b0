import * as core from "@ckpt/core"
import { expect, test } from "vitest"
import { play } from "../src/play.js"
import { exploring } from "./exploring.js"

exploring("lagging listings", 4_000)
exploring("losses", 4_000)
exploring("lost folders", 4_000)
exploring("all is lost", 1_000)

// The pointer is behind, and names 1; a claim has kept 1 2 3; then 1 and 3 are lost. A reader that looks only at what the pointer names
// gives 2, and says nothing of 3.
test.each(["recover", "loadLatest", "list", "ids"] as const)("%s tells of the later of two lost ones", async (read) => {
  const { violation, trace } = await play(
    {
      start: "three, pointer behind",
      processes: [
        [
          { do: "claim" },
          { do: "lose", part: "manifest", which: 2, after: 0 },
          { do: "lose", part: "manifest", which: 0, after: 0 },
          { do: read },
        ],
      ],
      steps: [],
    },
    { core, trace: true },
  )
  expect(violation?.message, trace.join("\n")).toBeUndefined()
})
