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
  const store = await openFsStore(join(folder, "store"), { readOnly: true })
  const state = await (await store.recover()).checkpoint?.json()
  await store.close()
  return { bookings: contentOf(folder)["bookings.jsonl"], end: lines.at(-1), state }
}

/** Lives that are killed, and the last one, which ends. No call is made again once its answer is in a checkpoint. */
async function killedAndFinished(folder: string, moments: readonly Moment[]): Promise<void> {
  const lives: (readonly string[])[] = []
  for (const moment of moments) lives.push(await killedAt(agent, folder, moment))
  const last = agent.finish([folder])
  expect(await resultOf(folder, last)).toEqual(result)
  let answers = 0
  for (const lines of [...lives, last]) {
    for (const line of lines) {
      const [, call] = /^call leg-(\d+)/.exec(line) ?? []
      if (call !== undefined) expect(Number(call), lines.join("\n")).toBe(answers + 1)
      answers = Number(/^saved \d+ with (\d+)/.exec(line)?.[1] ?? answers)
    }
  }
}
...
