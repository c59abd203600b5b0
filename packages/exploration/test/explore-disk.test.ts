import * as core from "@ckpt/core"
import { expect, test } from "vitest"
import { explore } from "../src/explore.js"
import { knownToProcess } from "../src/machine.js"
import { exploring } from "./exploring.js"

// Ten times as long as others: each file call is a request.
exploring("disk", 3_000)
exploring("failing syncs", 3_000)

test("of all disks that were played, @ckpt/fs knows the last one alone", async () => {
  const counts: number[] = []
  for (let seed = 1; seed <= 10; seed++) {
    await explore("disk", seed, 1, { core })
    const known = (globalThis as { [key: symbol]: object })[knownToProcess] ?? {}
    const paths = Object.values(known).flatMap((byPath) => (byPath instanceof Map ? [...byPath.keys()] : []))
    counts.push(new Set(paths.map((path: string) => path.split("/")[1])).size)
  }
  expect(Math.max(...counts)).toBeGreaterThan(0)
  // A disk has two paths: before the power cut, and after it.
  expect(Math.max(...counts)).toBeLessThanOrEqual(2)
})
