import { expect, test } from "vitest"
import { storageNames } from "../src/place.js"
import { soak } from "../src/soak.js"

const seconds = Number(process.env["CKPT_SOAK_SECONDS"] ?? 3)
const seed = Number(process.env["CKPT_SEED"] ?? Date.now() % 1_000_000)

test.each(
  storageNames.flatMap((storage) =>
    [false, true].map((claimed) => [storage, claimed ? "claimed" : "plain", claimed] as const),
  ),
)("%s, %s: what was acknowledged is there, whatever is killed", async (storage, _, claimed) => {
  process.stdout.write(`CKPT_SEED=${seed}\n`)
  const report = await soak({ storage, claimed, processes: storage === "fs" ? 8 : 4, seconds, acknowledged: 10, seed })
  expect(report.violations, JSON.stringify(report)).toEqual([])
  // A soak in which nobody is killed or stopped shows little.
  expect(report.kills + report.stops).toBeGreaterThan(0)
})
