import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { Facts } from "./facts.js"
import { judgeStore, type Left } from "./judge.js"
import type { StorageName } from "./place.js"
import type { Task } from "./process.js"
import { randomFrom } from "./random.js"
import { makeStorage } from "./storages.js"

export interface SoakOptions {
  readonly storage: StorageName
  /** Whether the processes claim before they write. */
  readonly claimed: boolean
  /** Processes at once, one of which only reads and is never killed. */
  readonly processes: number
  readonly seconds: number
  /** It goes on, also after these seconds, until so many saves were acknowledged. */
  readonly acknowledged?: number | undefined
  readonly seed: number
}

export interface SoakReport {
  readonly acknowledged: number
  readonly recoveries: number
  readonly kills: number
  readonly stops: number
  readonly broken: number
  readonly requests: number
  readonly left: Left
  readonly failures: ReadonlyMap<string, number>
  readonly uses: Facts["uses"]
  readonly violations: readonly string[]
}

const program = fileURLToPath(new URL("../dist/process.js", import.meta.url))

/** Runs the processes on one store, kills and stops them at random, and judges what they were told. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const random = randomFrom(options.seed)
  const storage = await makeStorage(options.storage, random)
  const facts = new Facts()
  const crew = new Crew({ ...options, place: storage.faulty, facts, random })
  try {
    await crew.run(options.seconds)
    const left = await judgeStore(storage.direct, options.claimed, facts)
    judgeUses(facts)
    const { broken, all } = storage.faults()
    return {
      acknowledged: facts.acknowledged.size,
      recoveries: facts.recoveries,
      kills: crew.kills,
      stops: crew.stops,
      broken,
      requests: all,
      left,
      failures: facts.failures,
      uses: facts.uses,
      violations: facts.violations,
    }
  } finally {
    await crew.end()
    await storage.dispose()
  }
}

/** The process that only reads has its caches warm after a third of its time; from then on nothing may grow. */
function judgeUses({ uses, violations }: Facts): void {
  const warm = uses[Math.floor(uses.length / 3)]
  const last = uses.at(-1)
  if (warm === undefined || last === undefined) return
  if (last.handles > warm.handles + 10)
    violations.push(`the reader's handles grew from ${warm.handles} to ${last.handles}`)
  if (last.mebibytes > warm.mebibytes + 100) {
    violations.push(`the reader's memory grew from ${warm.mebibytes} to ${last.mebibytes} MiB`)
  }
}

interface CrewOptions extends Omit<SoakOptions, "storage"> {
  readonly place: Task["place"]
  readonly facts: Facts
  readonly random: () => number
}

/** The processes of one soak. */
class Crew {
  kills = 0
  stops = 0
  readonly #options: CrewOptions
  /** Place in the crew → its process of now, and how many lines it has said. */
  readonly #members: { readonly child: ChildProcess; lines: number }[] = []
  readonly #ended: Promise<void>[] = []
  #started = 0
  #isOver = false

  constructor(options: CrewOptions) {
    this.#options = options
  }

  async run(seconds: number): Promise<void> {
    const { processes, random, facts, acknowledged = 0 } = this.#options
    for (let place = 0; place < processes; place++) this.#start(place)
    const deadline = performance.now() + seconds * 1_000
    const isDone = () =>
      performance.now() >= deadline &&
      facts.acknowledged.size >= acknowledged &&
      facts.recoveries >= Math.min(1, acknowledged) &&
      // Chance may have picked nobody yet.
      this.kills + this.stops >= Math.min(1, acknowledged)
    while (!isDone() && facts.violations.length === 0) {
      await pause(100 + random() * 400)
      // The first one only reads, and lives: it shows what grows.
      const member = this.#members[1 + Math.floor(random() * (processes - 1))]
      // Counted in what it has done rather than in time: on a busy machine, none would come to write otherwise. Some die early.
      if (member === undefined || (member.lines < 2 + random() * 20 && random() < 0.9)) continue
      if (random() < 0.7) {
        this.kills++
        member.child.kill("SIGKILL")
      } else {
        this.stops++
        member.child.kill("SIGSTOP")
        // Up to twice the time after which a silent leader is superseded.
        setTimeout(() => member.child.kill("SIGCONT"), random() * 2_000)
      }
    }
    await this.end()
  }

  /** Ends all processes, and waits until the last line of each was heard. */
  async end(): Promise<void> {
    this.#isOver = true
    for (const { child } of this.#members) child.kill("SIGKILL")
    await Promise.all(this.#ended)
  }

  #start(place: number): void {
    const { claimed, facts, place: store, random } = this.#options
    const name = `p${place}-${++this.#started}`
    const does = place === 0 ? "read" : claimed ? "lead" : "write"
    const task: Task = { place: store, does, name, seed: Math.floor(random() * 2 ** 31) }
    const child = spawn(process.execPath, ["--expose-gc", program, JSON.stringify(task)], {
      stdio: ["ignore", "pipe", "pipe"],
    })
    const member = { child, lines: 0 }
    this.#members[place] = member
    const lines = createInterface({ input: child.stdout })
    lines.on("line", (line) => {
      member.lines++
      facts.hear(name, line)
    })
    let complaints = ""
    child.stderr.on("data", (chunk: Buffer) => {
      complaints += chunk.toString()
    })
    const ended = new Promise<void>((resolve) => {
      child.once("close", (code) => {
        if (code !== null) facts.violations.push(`${name} ended by itself with ${code}: ${complaints.slice(-2_000)}`)
        if (!this.#isOver && code === null) this.#start(place)
        resolve()
      })
    })
    this.#ended.push(ended)
  }
}
