import { describe, expect, test } from "vitest"
import { seed } from "./ledger.js"
import { codes, type Fault, operations, prepared, trial } from "./store-faults.js"
import { layouts } from "./store-session.js"

/**
 * With `CKPT_FAULTS=all`, every code at every call, which takes more than half an hour. Else a sixth of the calls, each with one code: the remainder of the
 * seed by six says which calls, its quotient which codes. So six seeds in a row hit every call, and 42 every call with every code.
 */
const all = process.env["CKPT_FAULTS"] === "all"
const step = all ? 1 : 6
const first = seed % step
const shift = all ? 0 : Math.floor(seed / step)

describe.each(layouts)("one file call fails, in the layout %s", (layout) => {
  const judged = new Map<string, string | undefined>()

  test.each(Object.entries(operations))(
    "%s: a code, older checkpoints intact, nothing left for ever, the next save works",
    { timeout: all ? 7_200_000 : 600_000 },
    async (name, operation) => {
      const before = await prepared(layout, operation)
      const wrong = new Set<string>()
      const outcome = { calls: 0, failed: 0 }
      let trials = shift
      const each = async (at: number, fault: Fault): Promise<boolean> => {
        // The next save in the same process costs as much as all the rest: after a quarter of the faults.
        const goesOn = trials++ % 4 === 0
        const { hit, error, wrong: found } = await trial(layout, operation, before, { at, fault, judged, goesOn })
        if (hit === undefined) return false
        outcome.calls++
        if (error !== undefined) outcome.failed++
        if (found !== undefined) wrong.add(`${fault} at ${hit.name} ${hit.path}: ${found}`)
        return true
      }
      for (let turn = shift; turn < shift + (all ? codes.length : 1); turn++)
        for (let at = first; await each(at, codes[(at + turn) % codes.length]!); at += step);
      for (let at = 0; await each(at, "short write"); at++);
      const { calls, failed } = outcome
      process.stdout.write(`faults by call, ${layout}, ${name}: ${calls} calls, ${failed} failed, seed ${seed}\n`)
      expect([...wrong]).toEqual([])
      expect(failed).toBeGreaterThan(0)
    },
  )
})
