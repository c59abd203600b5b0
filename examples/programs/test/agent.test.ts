import { mkdtempSync, rmSync } from "node:fs"
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

const agent = new Program("agent")

/** The folder of an uninterrupted run, and what it left: the bookings, the line that it ended with, and its state. */
let whole: string
let result: Awaited<ReturnType<typeof resultOf>>
beforeAll(async () => {
  whole = mkdtempSync(join(tmpdir(), "ckpt-programs-"))
  result = await resultOf(whole, agent.finish([whole]))
  expect(result.bookings?.trimEnd().split("\n")).toHaveLength(25)
})
afterAll(() => rmSync(whole, { recursive: true, force: true }))

async function resultOf(folder: string, lines: readonly string[]) {
  return { bookings: contentOf(folder)["bookings.jsonl"], end: lines.at(-1), state: await stateOf(folder) }
}

interface State {
  readonly answers: readonly unknown[]
}

/** The state of the newest checkpoint that verifies. */
async function stateOf(folder: string): Promise<State> {
  return (await newestJson<State>(join(folder, "store"))) ?? { answers: [] }
}

/** One life. It makes the calls whose answers are in no checkpoint, each once, and notes each answer before the next call. */
async function life(folder: string, live: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const { answers } = await stateOf(folder)
  const lines = await live()
  const calls = lines.filter((line) => line.startsWith("call"))
  expect(calls).toEqual(calls.map((_, index) => `call leg-${answers.length + index + 1}`))
  for (const [index, call] of calls.entries()) {
    const before = lines[lines.indexOf(call) - 1]
    expect(before).toMatch(index > 0 ? / with \d+ answers$/ : /^recovered| with 0 answers$/)
  }
  return lines
}

async function killed(folder: string, moment: Moment): Promise<void> {
  await life(folder, () => killedAt(agent, folder, moment))
}

async function finishes(folder: string): Promise<void> {
  const lines = await life(folder, async () => agent.finish([folder]))
  expect(await resultOf(folder, lines)).toEqual(result)
}

test("killed while it claims, decides, calls and notes the answer: every flight is booked, once", async () => {
  const folder = temporaryFolder()
  const claiming = [12].map((change) => ({ lines: 0, change }))
  const deciding = [1, 30, 36].map((change) => ({ lines: 1, change }))
  // The call is the first change after its line, then comes the save. The rename that makes it visible is the 13th.
  const calling = [1, 2, 3, 8, 12, 13, 14].map((change) => ({ lines: 5, change }))
  for (const moment of [...claiming, ...deciding, ...calling]) await killed(folder, moment)
  await finishes(folder)
})

test("killed by chance: every flight is booked, once", async () => {
  const folder = temporaryFolder()
  for (const moment of momentsByChance(4, 8)) await killed(folder, moment)
  await finishes(folder)
})

test("the newest checkpoint is damaged, twice: its call is made again, and is booked once", async () => {
  const folder = temporaryFolder()
  const checkpoints = join(folder, "store", "checkpoints")
  await killed(folder, { lines: 6, change: 3 })
  damage(join(checkpoints, "checkpoint_000003", "state.bin"))
  expect(await newest(join(folder, "store"))).toBe(2)
  await killed(folder, { lines: 6, change: 3 })
  damage(join(checkpoints, "checkpoint_000005", "manifest.json"))
  expect(await newest(join(folder, "store"))).toBe(4)
  await finishes(folder)
})

test("a second one at the same time is refused, and the first goes on", async () => {
  const folder = temporaryFolder()
  const first = await agent.held([folder], { lines: 5, change: 1 })
  const { status, errors } = agent.run([folder])
  expect(status).toBe(1)
  expect(errors).toContain("CKPT_FENCED")
  expect(await first.goOn()).toBe(0)
  expect(await stateOf(folder)).toEqual(result.state)
  expect(contentOf(folder)["bookings.jsonl"]).toBe(result.bookings)
})

test("once it has ended, another run does nothing, and list shows what each checkpoint was for", async () => {
  expect(agent.finish([whole])).toEqual(["recovered 26", result.end])
  expect(await resultOf(whole, [`${result.end}`])).toEqual(result)
  const store = await openFsStore(join(whole, "store"), { readOnly: true })
  const all = await store.list().toArray()
  await store.close()
  expect(all.map(({ labels }) => labels?.["next"])).toEqual(["leg-22", "leg-23", "leg-24", "leg-25", "nothing"])
})

test("it is short", () => expectShort(agent))
