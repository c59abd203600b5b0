// An agent whose processes are killed, again and again, ends with the answer of an agent that never was.
import { execFile } from "node:child_process"
import { join } from "node:path"
import { MemorySaver } from "@langchain/langgraph"
import fc from "fast-check"
import { expect, test } from "vitest"
import { CkptSaver } from "../../src/index.js"
import { newFolder } from "../storages.js"
import { graph, work } from "./agent.mjs"

const program = join(import.meta.dirname, "agent.mjs")
const thread = "a thread"
const config = { configurable: { thread_id: thread } }
const kills = Number(process.env["CKPT_KILLS"] ?? 12)
const seed = Number(process.env["CKPT_SEED"] ?? Date.now() % 1_000_000)

interface Ended {
  readonly wasKilled: boolean
  readonly stdout: string
  readonly stderr: string
}

function run(root: string, ...more: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, root, thread, ...more], (error, stdout, stderr) =>
      resolve({ wasKilled: error?.signal === "SIGKILL", stdout, stderr }),
    )
  })
}

const expected = await work(graph.compile({ checkpointer: new MemorySaver() }), config)

/** The thread, with every checkpoint verified. */
async function history(saver: CkptSaver): Promise<string[]> {
  const ids: string[] = []
  for await (const { checkpoint } of saver.list(config)) ids.push(checkpoint.id)
  return ids
}

test("killed at random moments, it ends with the same answer", { timeout: 600_000 }, async () => {
  const death = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom("before", "during", "after"))
  const deaths = fc.sample(death, { seed, numRuns: kills })
  let place = await newFolder()
  let killed = 0
  let answers = 0
  try {
    for (const [write, moment] of deaths) {
      const ended = await run(place.root, String(write), moment)
      expect(ended, `CKPT_SEED=${seed}`).toMatchObject({ stderr: "" })
      if (ended.wasKilled) {
        killed++
        continue
      }
      // Nothing was left to be written: it is done, and another begins.
      expect(ended.stdout.trim(), `CKPT_SEED=${seed}`).toBe(expected)
      answers++
      await place[Symbol.asyncDispose]()
      place = await newFolder()
    }
    expect((await run(place.root)).stdout.trim(), `CKPT_SEED=${seed}`).toBe(expected)
    expect(killed).toBeGreaterThan(answers)
  } finally {
    await place[Symbol.asyncDispose]()
  }
})

test("two processes on one thread both end with the answer, and leave no checkpoint that does not verify", {
  timeout: 600_000,
}, async () => {
  await using place = await newFolder()
  const { root } = place
  // The first dies in the middle, so that both go on from one checkpoint, with the same tasks.
  expect((await run(root, "7", "after")).wasKilled).toBe(true)
  const damaged: unknown[] = []
  await using saver = new CkptSaver({ backend: place.open(), onEvent: (event) => damaged.push(event) })
  const before = (await history(saver)).length
  const both = await Promise.all([run(root), run(root)])
  expect(both).toEqual(both.map(() => ({ wasKilled: false, stdout: `${expected}\n`, stderr: "" })))
  expect((await history(saver)).length).toBeGreaterThan(before)
  expect(damaged).toEqual([])
  expect((await run(root)).stdout.trim()).toBe(expected)
})
