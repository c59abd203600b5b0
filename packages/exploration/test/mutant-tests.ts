import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import * as core from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { explore } from "../src/explore.js"
import type { Mutant } from "../src/mutants/mutant.js"
import { mutantOptions } from "../src/mutants/mutant-core.js"
import { fileOf, type Regression } from "../src/regression.js"
import { replay } from "../src/report.js"

const most = 10_000

/**
 * Mutants of which no schedule is kept: some thousand schedules have not found them since core's requests changed last. The
 * conformance scenarios cover their rules.
 */
const unrecorded = new Set([
  "the history is read before the listing",
  "collection by a clock of its own",
  "collection over ids that this store is saving",
  "a manifest is judged by a history of before",
  "nothing is listed again when what pointer or history names is gone",
  "recovery does not list again when a manifest is gone",
  "what is pruned while it is read passes for damaged",
  "collection lists manifests before states",
  "prune removes the state before the manifest",
  "a leader marks nothing that it recovers",
  "an update reads the history before the manifest",
  "a listing passes for new enough whatever it covers",
  "list does not look again when the latest that it listed is gone",
])

/** A mutant must be found by the schedule that was kept of it; without such a schedule, within 10,000 schedules. */
export function testMutant(mutant: Mutant): void {
  describe(mutant.name, () => {
    const path = new URL(`regressions/${fileOf(mutant.name)}`, import.meta.url)
    const needsSearch = !existsSync(path) && !unrecorded.has(mutant.name)
    const explored = needsSearch ? ["is found"] : []
    test.each(explored)("%s", async () => {
      const options = await mutantOptions(mutant)
      for (const plan of mutant.plans) {
        const { found } = await explore(plan, 1, Math.floor(most / mutant.plans.length), options)
        if (found !== undefined) return
      }
      expect.unreachable(`nothing was violated in ${most} schedules`)
    })

    test.each(unrecorded.has(mutant.name) ? ["no schedule is kept of it yet"] : [])("%s", () => {
      expect(existsSync(path), "take it from the list of those that have none").toBe(false)
    })

    const kept = existsSync(path) ? ["is found by the schedule that was kept of it, and core is not"] : []
    test.each(kept)("%s", async () => {
      const regression = JSON.parse(await readFile(path, "utf8")) as Regression
      expect(regression.rule).toBe(mutant.name)
      const sound = await replay(regression, { core })
      expect(sound.violation?.message, sound.trace.join("\n")).toBeUndefined()
      const broken = await replay(regression, await mutantOptions(mutant))
      expect(broken.violation, "record it anew: pnpm --filter @ckpt/exploration record").toBeDefined()
    })
  })
}
