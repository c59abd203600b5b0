import { setTimeout as sleep } from "node:timers/promises"
import { openFsStore } from "@ckpt/fs"
import { expect, test } from "vitest"
import { seeded } from "../backend/power-cut.js"
import { temporaryFolder } from "../folder.js"
import { acknowledged, ageProbes, expectGoesOn, expectSurvives, start, temporaryNames, wasKilled } from "./support.js"

const kills = Number(process.env["CKPT_KILLS"] ?? 60)
const seed = Number(process.env["CKPT_SEED"] ?? Date.now() % 1_000_000)
const lanes = 2

interface Tally {
  kills: number
  /** Of processes that had not said anything yet. */
  early: number
  acks: number
  /** Kills that struck between the visible save and its acknowledgement. */
  unacknowledged: number
  /** Kills that left temporary names behind. */
  litter: number
}

async function lane(root: string, random: () => number, tally: Tally, share: number): Promise<void> {
  let acked = 0
  let saved = 0
  let next = 1
  for (let kill = 1; kill <= share; kill++) {
    const label = `seed ${seed}, ${root}, kill ${kill}`
    const child = start("writer.mjs", [root])
    // Most kills strike among saves; some strike the start, the recovery and the first save with its extra checks.
    // Counted in saves rather than in time, so that a busy machine changes little.
    const early = random() < 0.2
    if (early) await sleep(random() * 250)
    else await child.lines(1 + Math.floor(random() * 9)).then(() => sleep(random() * 25))
    child.process.kill("SIGKILL")
    const ended = await child.ended
    expect({ killed: wasKilled(ended), stderr: ended.stderr }, label).toEqual({ killed: true, stderr: "" })
    expect(
      ended.lines.filter((line) => line.startsWith("retention-failed")),
      label,
    ).toEqual([])
    // The writer itself recovered what its predecessor left, and went on above it.
    if (ended.lines[0] !== undefined) expect(ended.lines[0], label).toBe(`ready ${next === 1 ? 0 : acked} ${next}`)
    else tally.early++
    const acks = acknowledged(ended.lines)
    expect(acks, label).toEqual(acks.map((_, index) => next + index))
    saved += acks.length
    acked = acks.at(-1) ?? acked

    await using store = await openFsStore(root)
    const { found, ids } = await expectSurvives(store, acked, label)
    // Retention of the latest three never takes more, whenever it is interrupted.
    expect(ids.length, label).toBeGreaterThanOrEqual(Math.min(3, saved))
    if ((await temporaryNames(root)).length > 0) tally.litter++
    if ((found.checkpoint?.id ?? 0) > acked) {
      tally.unacknowledged++
      acked = found.checkpoint?.id ?? 0
      saved++
    }
    next = found.nextId
    if (random() < 0.1) {
      await ageProbes(root)
      expect((await store.collectOrphans({ olderThanMs: 0 })).failures, label).toEqual([])
      expect(await temporaryNames(root), label).toEqual([])
    }
    tally.kills++
    tally.acks += acks.length
  }
  await using store = await openFsStore(root)
  await expectGoesOn(store, root, next, `seed ${seed}, the end`)
}

test(`${kills} kills at random moments: nothing acknowledged is lost`, {
  timeout: 60_000 + kills * 3_000,
}, async () => {
  process.stdout.write(`CKPT_SEED=${seed} CKPT_KILLS=${kills}\n`)
  const started = performance.now()
  const tally: Tally = { kills: 0, early: 0, acks: 0, unacknowledged: 0, litter: 0 }
  const roots = await Promise.all(Array.from({ length: lanes }, temporaryFolder))
  const share = Math.ceil(kills / lanes)
  const results = await Promise.allSettled(roots.map((root, index) => lane(root, seeded(seed + index), tally, share)))
  process.stdout.write(`${JSON.stringify(tally)} in ${((performance.now() - started) / 1000).toFixed(1)} s\n`)
  for (const result of results) if (result.status === "rejected") throw result.reason
  // A harness that never strikes a save proves nothing.
  expect(tally.acks).toBeGreaterThan(kills / 2)
  expect(tally.litter).toBeGreaterThan(0)
})
