// Agents whose processes are killed end with the answer of an agent whose process never was, and lose nothing that was acknowledged to them.
import { execFile } from "node:child_process"
import { join } from "node:path"
import { MemorySaver } from "@langchain/langgraph"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { CkptSaver } from "../../src/index.js"
import { type EmptyPlace, shared } from "../storages.js"
import { graphOf, type Task, work } from "./agent.mjs"

const program = join(import.meta.dirname, "agent.mjs")
const thread = "a thread"
const config = { configurable: { thread_id: thread } }
const seed = Number(process.env["CKPT_SEED"] ?? Date.now() % 1_000_000)

// The notice of the S3 client about future versions is no error.
const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" }
const minutes = { timeout: 600_000 }

/** How often a storage's agent is killed. Each kill costs the start of a process. */
const killsOf = (storage: string) => Number(process.env["CKPT_KILLS"] ?? (storage === "fs" ? 12 : 6))

interface Ended {
  readonly wasKilled: boolean
  readonly stderr: string
  /** What it said, by the first word of the line. */
  said(word: "runs" | "keeps" | "asks" | "damaged" | "ends"): string[]
}

async function run(task: Omit<Task, "thread">): Promise<Ended> {
  const ended = await new Promise<Ended>((resolve) => {
    execFile(process.execPath, [program, JSON.stringify({ ...task, thread })], { env }, (error, stdout, stderr) => {
      const lines = stdout.split("\n")
      const said = (word: string) =>
        lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1))
      resolve({ wasKilled: error?.signal === "SIGKILL", stderr, said })
    })
  })
  expect([ended.stderr, ended.said("damaged")], `CKPT_SEED=${seed}`).toEqual(["", []])
  return ended
}

const expected = (answer: string) => work(graphOf().compile({ checkpointer: new MemorySaver() }), config, answer)
const yes = await expected("yes")

/** What the thread has lost of all that was acknowledged. Each checkpoint is verified. */
async function lost(place: EmptyPlace, acknowledged: readonly string[]): Promise<string[]> {
  const damaged: unknown[] = []
  const found = new Set<string>()
  const saver = new CkptSaver({ backend: place.open(), onEvent: (event) => damaged.push(event) })
  for await (const { checkpoint, pendingWrites = [] } of saver.list(config)) {
    found.add(checkpoint.id)
    for (const [task] of pendingWrites) found.add(`${checkpoint.id} ${task}`)
  }
  await saver.close()
  expect(damaged).toEqual([])
  return acknowledged.filter((one) => {
    const [checkpoint = "", task] = one.split(" ")
    // LangGraph stores a checkpoint and what its tasks write at the same time: the writes may have come before a kill, and it not.
    return !found.has(one) && (task === undefined || found.has(checkpoint))
  })
}

describe.each(shared)("$name", ({ name, isThere, create }) => {
  const testHere = test.skipIf(!isThere)

  testHere("killed at random moments, it ends with the same answer", minutes, async () => {
    const death = fc.record({
      durability: fc.constantFrom("sync", "async"),
      dies: fc.record({
        write: fc.integer({ min: 1, max: 10 }),
        moment: fc.constantFrom("before", "during", "after"),
      }),
    })
    const deaths = fc.sample(death, { seed, numRuns: killsOf(name) })
    let killed = 0
    for (let next = 0; next <= deaths.length; ) {
      await using there = await create()
      const acknowledged: string[] = []
      let ended: Ended
      do {
        ended = await run({ place: there.place, answer: "yes", ...deaths[next++] })
        acknowledged.push(...ended.said("keeps"))
        // At once: the next process may write again what was lost.
        expect(await lost(there, acknowledged), `CKPT_SEED=${seed}`).toEqual([])
        if (ended.wasKilled) killed++
      } while (ended.wasKilled)
      expect(ended.said("ends"), `CKPT_SEED=${seed}`).toEqual([yes])
    }
    expect(killed).toBeGreaterThan(0)
  })

  testHere("killed while it waits for a person, it goes on in another process with the answer", minutes, async () => {
    await using there = await create()
    const { place } = there
    // With "sync", a step begins when the step before it is stored.
    const waiting = { place, durability: "sync" } as const
    const asking = await run(waiting)
    expect(asking.wasKilled).toBe(true)
    expect(asking.said("asks")).toEqual(["may I?"])
    expect(await lost(there, asking.said("keeps"))).toEqual([])
    // The answer is this process's first write, and its last.
    const answered = await run({ ...waiting, answer: "no", dies: { write: 1, moment: "after" } })
    expect(answered.wasKilled).toBe(true)
    expect(await lost(there, answered.said("keeps"))).toEqual([])
    const going = await run({ place, answer: "no" })
    expect(going.said("ends")).toEqual([await expected("no")])
    // What came before the question is not done again.
    expect([...answered.said("runs"), ...going.said("runs")].filter((node) => node !== "person")).toEqual(["answer"])
    const late = await run({ place, answer: "yes" })
    expect([late.said("runs"), late.said("ends")]).toEqual([[], going.said("ends")])
  })

  testHere(
    "two processes on one thread both end with the answer, and all that they stored is there",
    minutes,
    async () => {
      await using there = await create()
      const { place } = there
      // The first dies behind the first value of its fourth checkpoint. Both go on from the third, with the same tasks.
      const first = await run({ place, answer: "yes", durability: "sync", dies: { write: 9, moment: "after" } })
      expect(first.wasKilled).toBe(true)
      const both = await Promise.all([run({ place, answer: "yes" }), run({ place, answer: "yes" })])
      for (const { said } of both) expect(said("ends")).toEqual([yes])
      expect((await run({ place, answer: "yes" })).said("ends")).toEqual([yes])
      const all = [first, ...both].flatMap((ended) => ended.said("keeps"))
      expect(await lost(there, all)).toEqual([])
    },
  )
})
