import * as core from "@ckpt/core"
import { expect, test } from "vitest"
import { lightly } from "../src/abort.js"
import { calmly } from "../src/play.js"
import type { Action } from "../src/scenario/action.js"
import { simulate } from "../src/simulate.js"

const operations: readonly Action[] = [
  { do: "save", state: true },
  { do: "save", state: true, ahead: true },
  { do: "save", state: true, source: "slow" },
  { do: "update", which: 0 },
  { do: "claim" },
  { do: "repair" },
  { do: "recover" },
  { do: "restore" },
  { do: "loadLatest" },
  { do: "load", which: 1 },
  { do: "list" },
  { do: "ids" },
  { do: "nextId" },
  { do: "readState", which: 0 },
  { do: "verify", which: 0 },
  { do: "prune", policy: "last 1" },
  { do: "remove", which: 2 },
  { do: "collectOrphans", olderThanMs: 0 },
  { do: "pin", which: 0, name: "a" },
  { do: "unpin", name: "kept" },
  { do: "pins" },
]

/** Each operation of a plain store and of a leader, given up at its first request, at the answer to that, and so on to its end. */
test.each(operations)("$do is given up at every request and every answer", async (operation) => {
  let points = 0
  for (const start of ["three, pointer behind", "pruned"] as const) {
    for (const before of [[], [{ do: "claim" }]] satisfies Action[][]) {
      for (let abortAt = 1, isOver = false; !isOver; abortAt++) {
        const rest: Action[] = [
          { do: "save", state: true },
          { do: "recover" },
          { do: "close" },
          { do: "open" },
          { do: "recover" },
        ]
        const all = [...before, { ...operation, abortAt }, ...rest]
        const scenario = { ...calmly(start, [all]), probesAreScheduled: true }
        const { violation, trace } = await lightly(() => simulate(scenario, [], { core, trace: true }))
        expect(violation?.message, [`${start}, at move ${abortAt}`, ...trace].join("\n")).toBeUndefined()
        isOver = !trace.some((line) => line === `p1 gives up ${operation.do}`)
        if (!isOver) points++
      }
    }
  }
  expect(points).toBeGreaterThan(3)
})
