import { CheckpointError, type CheckpointStore, type Clock, createManifest, openCheckpointStore } from "@ckpt/core"
import { MemoryBackend } from "@ckpt/memory"
import { Network } from "./network.js"
import { Random } from "./random.js"

/** What the processes of a schedule do, each until it has done so many things. */
export interface Plan {
  readonly processes: number
  readonly actions: number
  /** Writers claim before they write, and again when they were superseded. Without: plain stores. */
  readonly claiming: boolean
  /** Retention and collection run among the saves. */
  readonly deleting: boolean
}

interface Acknowledged {
  readonly id: number
  /** Unique to one call of save. */
  readonly content: number
  readonly by: string
}

/** What must hold and did not; the trace says how it came to that. */
class Violation extends Error {
  constructor(problem: string, seed: number, trace: readonly string[]) {
    super(`seed ${seed}: ${problem}\n${trace.map((line, index) => `${String(index).padStart(4)} ${line}`).join("\n")}`)
  }
}

/** Waits between attempts pass at once; no request times out by itself. */
const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  async sleep(ms, signal) {
    if (ms < 10_000) return
    await new Promise<never>((_, reject) =>
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true }),
    )
  },
}

const most = 4_000

/** Runs one schedule, which the seed alone decides. Rejects with a `Violation`. */
export async function simulate(plan: Plan, seed: number): Promise<{ steps: number; acknowledged: number }> {
  const random = new Random(seed)
  const network = new Network(random, { lost: 0.15, late: 0.7, twice: 0.1 })
  let now = 1_700_000_000_000
  const storage = new MemoryBackend({ now: () => now })
  const acknowledged: Acknowledged[] = []
  const alive = new Set<string>()
  let contents = 0
  let latestSeen = 0

  const fail = (problem: string): never => {
    throw new Violation(problem, seed, network.trace)
  }
  let violated: unknown

  const open = (name: string) =>
    openCheckpointStore({ backend: network.connect(name, storage), clock, random: () => 0, retry: { attempts: 3 } })

  const save = async (store: CheckpointStore, name: string, id: number): Promise<void> => {
    const content = ++contents
    const manifest = createManifest({ checkpointId: id, epoch: content, timestampMs: 1 })
    const state = new TextEncoder().encode(`state ${content}`)
    await store.save(manifest, content % 2 === 0 ? { state } : {})
    acknowledged.push({ id, content, by: name })
    network.trace.push(`${name} ACKNOWLEDGED ${id} (content ${content})`)
  }

  const writer = async (name: string): Promise<void> => {
    const plain = await open(name)
    let store = plain
    let leads = !plan.claiming
    let next = 1
    for (let action = 0; action < plan.actions && alive.has(name); action++) {
      try {
        if (!leads) {
          store = await plain.claim()
          leads = true
          network.trace.push(`${name} CLAIMED`)
        }
        const dice = random.below(10)
        if (dice < 2 || action === 0) next = (await store.recover()).nextId
        else if (dice < 8 || !plan.deleting) await save(store, name, next++)
        else if (dice === 8) await store.prune({ last: 1 + random.below(2) })
        else await store.collectOrphans({ olderThanMs: 1_000 })
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error
        network.trace.push(`${name} got ${error.code}`)
        if (error.code === "CKPT_FENCED") leads = !plan.claiming
        if (error.code === "CKPT_CONFLICT") next++
      }
    }
    alive.delete(name)
  }

  const observer = async (): Promise<void> => {
    const store = await open("observer")
    while (alive.size > 0) {
      try {
        const id = (await store.loadLatest())?.checkpointId ?? 0
        if (id < latestSeen) fail(`loadLatest went back from ${latestSeen} to ${id}`)
        latestSeen = id
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error
      }
    }
  }

  const names = Array.from({ length: plan.processes }, (_, index) => `p${index + 1}`)
  for (const name of names) alive.add(name)
  const running = [...names.map(writer), observer()].map((task) =>
    task.catch((error: unknown) => {
      violated ??= error
    }),
  )
  void running
  let steps = 0
  for (; steps < most && violated === undefined; steps++) {
    await network.quiet()
    if (alive.size === 0) break
    // A process may die with requests under way; they arrive or not, as ever.
    if (random.chance(0.004)) {
      const victim = names[random.below(names.length)] as string
      if (alive.delete(victim)) network.trace.push(`${victim} DIED`)
    }
    if (random.chance(0.05)) now += random.below(3_000)
    if (!(await network.step())) break
  }
  if (violated !== undefined) throw violated
  while (await network.step()) await network.quiet()
  if (violated !== undefined) throw violated
  await check(storage, acknowledged, plan, fail)
  return { steps, acknowledged: acknowledged.length }
}

/** What everybody was told must be so, once everything that was under way has arrived. */
async function check(
  storage: MemoryBackend,
  acknowledged: readonly Acknowledged[],
  plan: Plan,
  fail: (problem: string) => never,
): Promise<void> {
  const store = await openCheckpointStore({ backend: storage, clock, readOnly: true })
  const found = await store.recover()
  const contentOf = new Map<number, number>()
  let highest = 0
  for (const { id, content, by } of acknowledged) {
    const other = contentOf.get(id)
    if (other !== undefined && other !== content)
      fail(`checkpoint ${id} was acknowledged with contents ${other} and ${content}`)
    contentOf.set(id, content)
    highest = Math.max(highest, id)
    const stored = await store.load(id).catch(() => undefined)
    if (stored === undefined) {
      if (!plan.deleting) fail(`checkpoint ${id} (content ${content}) of ${by} was acknowledged and does not count`)
    } else if (stored.epoch !== content) {
      fail(`checkpoint ${id} was acknowledged with content ${content} and has ${stored.epoch}`)
    } else if (!(await store.verify(id)).valid) fail(`checkpoint ${id} was acknowledged and does not verify`)
  }
  if (acknowledged.length === 0) return
  if (found.outcome !== "recovered")
    fail(`recovery says ${found.outcome} after ${acknowledged.length} acknowledged saves`)
  const newest = found.checkpoint?.id ?? 0
  if (newest < highest) fail(`recovered ${newest}, and ${highest} was acknowledged`)
  if (found.skipped.length > 0) fail(`damaged: ${JSON.stringify(found.skipped)}`)
}
