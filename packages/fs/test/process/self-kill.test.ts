import { cp, mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { openFsStore } from "@ckpt/fs"
import { describe, expect, test } from "vitest"
import { temporaryFolder } from "../folder.js"
import {
  acknowledged,
  ageProbes,
  expectContents,
  expectGoesOn,
  expectSurvives,
  expectTidy,
  folderOf,
  run,
  seed,
  wasKilled,
} from "./support.js"
import { contentsOf, manifestOf } from "./workload.mjs"

interface Scenario {
  /** What is there before. */
  readonly before: readonly number[]
  /** The id that it saves. */
  readonly saves?: number
  /** How many checkpoints must be there at least, whenever the kill comes. */
  readonly atLeast: number
  readonly atMost: number
  prepare?(root: string): Promise<void>
}

const scenarios: Record<string, Scenario> = {
  firstSave: { before: [], saves: 1, atLeast: 0, atMost: 1 },
  saveAndRetain: { before: [1, 3, 4, 5], saves: 6, atLeast: 2, atMost: 5 },
  update: { before: [3, 4], atLeast: 2, atMost: 2 },
  collectOrphans: { before: [1, 4, 5], atLeast: 3, atMost: 3, prepare: litter },
  stateThenSave: { before: [3, 4], saves: 5, atLeast: 2, atMost: 3 },
}

/** What killed saves leave behind, and one state above the latest checkpoint, whose save may still come. */
async function litter(root: string): Promise<void> {
  const base = join(root, "checkpoints")
  await mkdir(join(base, folderOf(2)))
  await writeFile(join(base, folderOf(2), "state.bin"), "orphan")
  await mkdir(join(base, folderOf(3)))
  await mkdir(join(base, ".stage-0123456789abcdef"))
  await writeFile(join(base, ".stage-0123456789abcdef", "state.bin"), "half of it")
  await writeFile(join(base, ".latest-0123456789abcdef"), folderOf(6))
  await writeFile(join(base, ".ckpt-probe-0123456789abcdef"), "a check")
  await ageProbes(root)
  await writeFile(join(base, folderOf(4), ".tmp-0123456789abcdef"), "{}")
  await mkdir(join(base, folderOf(7)))
  await writeFile(join(base, folderOf(7), "state.bin"), "early")
}

/** With `CKPT_EVERY_CALL=1` all calls, not only those that change something: 1,300 deaths instead of 165. */
const all = process.env["CKPT_EVERY_CALL"] === "1"
const every = all ? "every" : "changing"
/** Else every other call, before it or after it: which, says the seed, so that two seeds in a row have all. */
const step = all ? 1 : 2
const seedOfHalf = Number(process.env["CKPT_SEED"] ?? Date.now() % 1e9)

/** More than any of these operations makes; a child that never ends by itself would otherwise keep the loop going. */
const callsAtMost = 1_000

describe.each(Object.entries(scenarios))("%s, killed", (name, scenario) => {
  test.each(["before", "after"])("%s each file call", { timeout: 300_000 }, async (when) => {
    const folder = await temporaryFolder()
    const template = join(folder, "template")
    await mkdir(template)
    if (scenario.before.length > 0) await seed(template, scenario.before)
    await scenario.prepare?.(template)
    const first = 1 + ((seedOfHalf + (when === "after" ? 1 : 0)) % step)
    let next = first
    let finished: number | undefined
    let failed = false
    let kills = 0
    let ackedKills = 0

    const lane = async () => {
      while (finished === undefined && !failed && next <= callsAtMost) {
        const n = next
        next += step
        const label = `${name}, killed ${when} call ${n}, seed ${seedOfHalf}`
        const root = join(folder, String(n))
        await cp(template, root, { recursive: true, preserveTimestamps: true })
        const ended = await run("operation.mjs", [name, root, when, String(n), every])
        if (wasKilled(ended)) kills++
        else finished = Number(ended.lines.at(-1)?.split(" ")[1])
        if (wasKilled(ended) && ended.lines.length > 0) ackedKills++
        await check(root, ended.lines, when, label).catch((error: unknown) => {
          failed = true
          throw error
        })
        await rm(root, { recursive: true })
      }
    }
    // Both end before a failure of one is told: the folder is removed then.
    for (const result of await Promise.allSettled([lane(), lane()]))
      if (result.status === "rejected") throw result.reason

    expect(finished).toBeGreaterThan(5)
    expect(kills).toBeGreaterThanOrEqual(Math.floor(((finished ?? 0) - first) / step) + 1)
    // Only what comes after the acknowledgement can tell whether it was true.
    if (name === "saveAndRetain") expect(ackedKills).toBeGreaterThan(10 / step)
    process.stdout.write(
      `${name}: ${kills} kills ${when} a call, ${ackedKills} of them after an acknowledgement, seed ${seedOfHalf}\n`,
    )
  })

  async function check(root: string, lines: readonly string[], when: string, label: string): Promise<void> {
    const { before, saves, atLeast, atMost } = scenario
    await using store = await openFsStore(root)
    expect(
      lines.filter((line) => /^(rejected|retention-failed)/.test(line)),
      label,
    ).toEqual([])
    const acks = acknowledged(lines)
    const { found, ids } = await expectSurvives(store, acks.at(-1) ?? before.at(-1) ?? 0, label)
    expect(
      ids.filter((id) => id !== saves && !before.includes(id)),
      label,
    ).toEqual([])
    expect(ids.length, label).toBeGreaterThanOrEqual(atLeast)
    expect(ids.length, label).toBeLessThanOrEqual(atMost)
    if (name === "update") {
      const { status } = (await store.load(4))?.sinkCommitStatuses["out"] ?? {}
      expect(status, label).toBe(lines.includes("updated") || status === "committed" ? "committed" : "pending")
      // A second process may carry on with the update at once.
      await store.update(4, (current) => ({
        ...current,
        sinkCommitStatuses: { out: { status: "failed", message: "" } },
      }))
      expect((await store.load(4))?.sinkCommitStatuses["out"]?.status, label).toBe("failed")
    }
    if (name === "collectOrphans" && lines.includes("collected"))
      await rm(join(root, "checkpoints", folderOf(7)), { recursive: true })
    if (name === "collectOrphans" && lines.includes("collected")) await expectTidy(root, before, label)
    if (saves !== undefined && when === "after") {
      // Who lost the answer saves the same again, and it is there once.
      const receipt = await store.save(manifestOf(saves), contentsOf(saves))
      expect(receipt.outcome, label).toBe(ids.includes(saves) ? "existed" : "created")
      expect(await store.nextId(), label).toBe(saves + 1)
      await expectContents(store, saves, label)
      await expectGoesOn(store, root, saves + 1, label)
    } else {
      await expectGoesOn(store, root, found.nextId, label)
    }
  }
})
