import { describe, expect, test } from "vitest"
import { type FileApi, nodeFiles } from "../../src/files/file-api.js"
import { operations, stopEverywhere } from "./zombies.js"

describe.each(["plain", "claimed"] as const)("a %s writer that is stopped at any call, and wakes late", (mode) => {
  test.each(operations)("%s: harms nobody, and what it says is so", { timeout: 300_000 }, async (operation) => {
    const { stops, harm, outcomes } = await stopEverywhere({ operation, mode })
    expect(harm).toEqual([])
    expect(stops).toBeGreaterThan(5)
    // Where it is stopped early, it is refused.
    expect(outcomes["CKPT_FENCED"]).toBeGreaterThan(0)
    process.stdout.write(`${mode} ${operation}: ${stops} stops, ${JSON.stringify(outcomes)}\n`)
  })
})

describe("harm is found", () => {
  // Not by an update: the leader's recovery has marked the manifest, so the late swap finds another version.
  test.each(["save", "prune"] as const)(
    "%s: where it does not look for claims",
    { timeout: 300_000 },
    async (operation) => {
      const { harm } = await stopEverywhere({ operation, mode: "plain", blind: true, untilHarm: true })
      expect(harm).not.toEqual([])
    },
  )

  test.each(["save", "update", "prune"] as const)(
    "%s: where the claim sweeps nothing away",
    { timeout: 300_000 },
    async (operation) => {
      const readdir: FileApi["readdir"] = async (path, options) =>
        (await nodeFiles.readdir(path, options)).filter(({ name }) => !/^\.(tmp|stage|latest)-/.test(name))
      const files = { ...nodeFiles, readdir }
      const { harm } = await stopEverywhere({ operation, mode: "plain", files, untilHarm: true })
      expect(harm).not.toEqual([])
    },
  )
})
