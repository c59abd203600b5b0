import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import * as core from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { explore } from "../src/explore.js"
import type { Mutant } from "../src/mutants/mutant.js"
import { mutantOptions } from "../src/mutants/mutant-core.js"
import { play } from "../src/play.js"
import { fileOf, type Regression } from "../src/regression.js"
import { replay } from "../src/report.js"

const most = 10_000

/** A mutant must be found by its schedule, which is written down or kept; without one, within 10,000 schedules. */
export function testMutant(mutant: Mutant): void {
  const { name, plans = [], written } = mutant
  describe(name, () => {
    if (written !== undefined) {
      test("is found by the schedule that is written down, and core is not", async () => {
        const sound = await play(written, { core, trace: true })
        expect(sound.violation?.message, sound.trace.join("\n")).toBeUndefined()
        const broken = await play(written, { ...(await mutantOptions(mutant)), trace: true })
        expect(broken.violation, broken.trace.join("\n")).toBeDefined()
      })
      return
    }
    const path = new URL(`regressions/${fileOf(name)}`, import.meta.url)
    if (!existsSync(path)) {
      test("is found", async () => {
        const options = await mutantOptions(mutant)
        for (const plan of plans) {
          const { found } = await explore(plan, 1, Math.floor(most / plans.length), options)
          if (found !== undefined) return
        }
        expect.unreachable(`nothing was violated in ${most} schedules`)
      })
      return
    }
    test("is found by the schedule that was kept of it, and core is not", async () => {
      const regression = JSON.parse(await readFile(path, "utf8")) as Regression
      expect(regression.rule).toBe(name)
      const sound = await replay(regression, { core })
      expect(sound.violation?.message, sound.trace.join("\n")).toBeUndefined()
      const broken = await replay(regression, await mutantOptions(mutant))
      expect(broken.violation, "record it anew: pnpm --filter @ckpt/exploration record").toBeDefined()
    })
  })
}
