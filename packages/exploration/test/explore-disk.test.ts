import * as core from "@ckpt/core"
import { expect, test } from "vitest"
import { explore } from "../src/explore.js"
import { knownToProcess } from "../src/machine.js"
import { exploring } from "./exploring.js"

// Ten times as long as others: each file call is a request.
exploring("disk", 3_000)
exploring("failing syncs", 3_000)

test("of all disks that were played, @ckpt/fs knows the last one alone", async () => {
  await explore("disk", 1, 20, { core })
  const known = (globalThis as { [key: symbol]: object })[knownToProcess] ?? {}
  const paths = Object.values(known).flatMap((byPath) => (byPath instanceof Map ? [...byPath.keys()] : []))
  const machines = new Set(paths.map((path: string) => path.split("/")[1]))
  expect(machines.size).toBeGreaterThan(0)
  // A disk has two paths: before the power cut, and after it.
  expect(machines.size).toBeLessThanOrEqual(2)
})
