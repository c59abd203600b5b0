import { describe, test } from "vitest"
import type { Cloud } from "../clouds/cloud.js"
import { catalogue } from "./catalogue.js"
import { applies, runCell } from "./cell.js"
import { operations } from "./operations.js"
import { assertDocumented, markdownTable } from "./table.js"

/** Every fault on every operation of one cloud, one test each; then the table of docs/backends.md. */
export function describeMatrix(cloud: Cloud): void {
  const outcomes = new Map<string, string>()
  describe.concurrent(`faults on ${cloud.name}`, () => {
    for (const operation of operations) {
      for (const fault of catalogue) {
        const name = `${operation.name}: ${fault.name}`
        if (!applies(cloud, operation, fault)) {
          outcomes.set(name, "–")
          continue
        }
        test(name, async () => {
          outcomes.set(name, await runCell(cloud, operation, fault))
        })
      }
    }
  })

  test(`docs/backends.md shows what came of each fault on ${cloud.name}`, async () => {
    const rows = catalogue.map((fault) => [
      fault.name,
      ...operations.map((operation) => outcomes.get(`${operation.name}: ${fault.name}`) ?? "failed"),
    ])
    const table = markdownTable(["fault", ...operations.map(({ name }) => name)], rows)
    await assertDocumented("backends.md", cloud.name, table)
  })
}
