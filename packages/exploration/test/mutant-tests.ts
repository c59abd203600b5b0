import { readFile } from "node:fs/promises"
import * as core from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { explore } from "../src/explore.js"
import type { Mutant } from "../src/mutants/mutant.js"
import { mutantOptions } from "../src/mutants/mutant-core.js"
import { fileOf, type Regression } from "../src/regression.js"
import { replay } from "../src/report.js"

const most = 10_000

/** A mutant must be found within 10,000 schedules, unless it is rare, and by the schedule that was kept of it. */
export function testMutant(mutant: Mutant): void {
  describe(mutant.name, () => {
    const explored = mutant.isRare === true ? [] : ["is found"]
    test.each(explored)("%s", async () => {
      const options = await mutantOptions(mutant)
      for (const plan of mutant.plans) {
        const { found } = await explore(plan, 1, Math.floor(most / mutant.plans.length), options)
        if (found !== undefined) return
      }
      expect.unreachable(`nothing was violated in ${most} schedules`)
    })

    test("is found by the schedule that was kept of it, and core is not", async () => {
      const path = new URL(`regressions/${fileOf(mutant.name)}`, import.meta.url)
      const regression = JSON.parse(await readFile(path, "utf8")) as Regression
      expect(regression.rule).toBe(mutant.name)
      const sound = await replay(regression, { core })
      expect(sound.violation?.message, sound.trace.join("\n")).toBeUndefined()
      const broken = await replay(regression, await mutantOptions(mutant))
      expect(broken.violation, "record it anew: pnpm --filter @ckpt/exploration record").toBeDefined()
    })
  })
}
