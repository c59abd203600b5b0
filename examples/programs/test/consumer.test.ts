import { rmSync } from "node:fs"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openFsStore } from "@ckpt/fs"
import { afterAll, beforeAll, expect, test } from "vitest"
import {
  contentOf,
  damage,
  expectShort,
  killedAt,
  type Moment,
  momentsByChance,
  newest,
  newestJson,
  Program,
  temporaryFolder,
} from "./support.js"

const consumer = new Program("consumer")

/** The folder of an uninterrupted run, and its reports. */
let whole: string
let reports: Record<string, string>
beforeAll(async () => {
  whole = await mkdtemp(join(tmpdir(), "ckpt-programs-"))
  consumer.finish([whole])
  reports = contentOf(join(whole, "output"))
  expect(Object.keys(reports)).toHaveLength(10)
})
afterAll(() => rmSync(whole, { recursive: true, force: true }))

/** One life that is killed. What it published stays, is right, and comes from a checkpoint that is safe. */
async function killed(folder: string, moment: Moment): Promise<void> {
  await killedAt(consumer, folder, moment)
  expect(reports, JSON.stringify(moment)).toMatchObject(published(folder))
  const { position } = (await newestJson<{ position: number }>(join(folder, "store"), "job")) ?? { position: 0 }
  expect(Object.keys(published(folder)).length, JSON.stringify(moment)).toBeLessThanOrEqual(position / 20_000)
}

function published(folder: string): Record<string, string> {
  const all = Object.entries(contentOf(join(folder, "output")))
  return Object.fromEntries(all.filter(([name]) => name.endsWith(".json")))
}

/** Runs it to its end: the same reports, each once, and no sink is owed anything. */
async function finishes(folder: string, recovers?: number): Promise<void> {
  const before = await newest(join(folder, "store"))
  if (recovers !== undefined) expect(before).toBe(recovers)
  expect(consumer.finish([folder])[0]).toBe(`recovered ${before ?? "nothing"}`)
  expect(contentOf(join(folder, "output"))).toEqual(reports)
  const store = await openFsStore(join(folder, "store"), { readOnly: true })
  const { checkpoint } = await store.recover()
  expect(checkpoint?.manifest.sinkCommitStatuses["reports"]).toEqual({ status: "committed" })
  await store.close()
}

test("killed while it claims, saves, publishes and commits: every report is out, once", async () => {
  const folder = temporaryFolder()
  const claiming = [1, 9, 20].map((change) => ({ lines: 0, change }))
  // The first save of a life, with the check of the storage; its output; what it owed, first thing in the next life.
  const saving = [1, 14, 30, 33, 36].map((change) => ({ lines: 1, change }))
  const publishing = [1, 2, 3, 4, 6, 8].map((change) => ({ lines: 2, change }))
  for (const moment of [...claiming, ...saving, ...publishing]) await killed(folder, moment)
  await finishes(folder)
})

test("killed by chance: every report is out, once", async () => {
  const folder = temporaryFolder()
  for (const moment of momentsByChance(3, 4)) await killed(folder, moment)
  await finishes(folder)
})

test("the newest checkpoint is damaged, twice: its report is made again, the same", async () => {
  const folder = temporaryFolder()
  const checkpoints = join(folder, "store", "checkpoints")
  // Killed once the second report of the life is published, before commitSink.
  await killed(folder, { lines: 4, change: 4 })
  damage(join(checkpoints, "checkpoint_000002", "state.bin"))
  expect(await newest(join(folder, "store"))).toBe(1)
  await killed(folder, { lines: 4, change: 4 })
  damage(join(checkpoints, "checkpoint_000004", "manifest.json"))
  await finishes(folder, 3)
})

test("a second one at the same time is refused, and the first goes on", async () => {
  const folder = temporaryFolder()
  const first = await consumer.held([folder], { lines: 3, change: 4 })
  const { status, errors } = consumer.run([folder])
  expect(status).toBe(1)
  expect(errors).toContain("CKPT_FENCED")
  expect(await first.goOn()).toBe(0)
  expect(contentOf(join(folder, "output"))).toEqual(reports)
})

test("once it has ended, another run does nothing", async () => {
  expect(consumer.finish([whole])).toEqual(["recovered 10"])
  expect(await newest(join(whole, "store"))).toBe(10)
  expect(contentOf(join(whole, "output"))).toEqual(reports)
})

test("it is short", () => expectShort(consumer))
