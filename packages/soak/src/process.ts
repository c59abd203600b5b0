// A process of the soak: writes, or leads and writes, or only reads, until it is killed. Each line on its stdout is a fact that the
// supervisor notes: what it tries, what was acknowledged to it, what it was given.
import { readdirSync } from "node:fs"
import { setTimeout as pause } from "node:timers/promises"
import { CheckpointError, type StoreOperations, type StoreOptions } from "@ckpt/core"
import { contentOf } from "./content.js"
import { kept, openAt, type Place } from "./place.js"
import { randomFrom } from "./random.js"

/** What the supervisor gives a process on its command line. */
export interface Task {
  readonly place: Place
  readonly does: "write" | "lead" | "read"
  /** No other process has this name. */
  readonly name: string
  readonly seed: number
}

const task = JSON.parse(process.argv[2] ?? "{}") as Task
const random = randomFrom(task.seed)
let saves = 0

function say(...words: readonly (string | number)[]): void {
  process.stdout.write(`${words.join(" ")}\n`)
}

/** Milliseconds by a clock that all processes of the machine share, and that nobody sets. */
function time(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

const keeping: StoreOptions = { retain: { last: kept } }
/** Processes that write to one folder without a claim keep no history together: see the README of @ckpt/fs. */
const plainly = task.place.storage === "fs" ? {} : keeping

async function saveOne(store: StoreOperations): Promise<void> {
  const name = `${task.name}.${++saves}`
  say("tries", name, time())
  const { id } = await store.saveNext({ labels: { name } }, { state: [contentOf(name)] })
  say("acknowledged", id, name, time())
}

/** Recovers, and says so before and after: what was acknowledged before must be found, or something newer. */
async function recoverOne(store: StoreOperations): Promise<void> {
  say("asks", time())
  const found = await store.recover()
  const { checkpoint } = found
  say("recovered", checkpoint?.id ?? 0, checkpoint?.manifest.labels?.["name"] ?? found.outcome)
}

async function write(): Promise<void> {
  const store = await openAt(task.place, plainly)
  for (;;) {
    await tolerant(() => (random() < 0.2 ? recoverOne(store) : saveOne(store)))
    await pause(random() * 150)
  }
}

async function lead(): Promise<void> {
  const store = await openAt(task.place, keeping)
  for (;;) {
    // A claim supersedes whoever leads: without a pause, nobody would come to save.
    await pause(random() * random() * 10_000)
    await tolerant(async () => {
      const leader = await store.claim()
      say("claimed", leader.epoch, time())
      try {
        await recoverOne(leader)
        for (let left = 1 + random() * 15; left > 0; left--) {
          await saveOne(leader)
          await pause(random() * 20)
        }
        await leader.release()
      } finally {
        await leader.close()
      }
    })
  }
}

async function read(): Promise<void> {
  const store = await openAt(task.place, { readOnly: true })
  for (let round = 1; ; round++) {
    await tolerant(() => recoverOne(store))
    if (round % 5 === 0) {
      globalThis.gc?.()
      say("uses", Math.round(process.memoryUsage().rss / 2 ** 20), handles())
    }
    await pause(random() * 200)
  }
}

function handles(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0
}

/** Every failure must be an error of ours: it is said by its code. Anything else ends the process. */
async function tolerant(step: () => Promise<void>): Promise<void> {
  try {
    await step()
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    say("failed", error.code, error.message.replaceAll("\n", " ").slice(0, 300))
  }
}

await { write, lead, read }[task.does]()
