import { existsSync, readdirSync } from "node:fs"
import type { CheckpointStore, StoreOperations } from "@ckpt/core"
import { contentOf } from "./content.js"
import type { Facts } from "./facts.js"
import { backendAt, kept, openAt, type Place } from "./place.js"

/** What a soak leaves behind. */
export interface Left {
  readonly checkpoints: number
  readonly latest: number
}

/**
 * Looks at the store once all processes have ended, past the faults: what was acknowledged is there, each checkpoint verifies and has the
 * content of its name, and after one collection nothing else is left.
 */
export async function judgeStore(place: Place, isClaimed: boolean, facts: Facts): Promise<Left> {
  const plain = await openAt(place, {})
  // The last leader may have been killed a moment ago; it is superseded once it has been silent.
  const store = isClaimed ? await claimed(plain) : plain
  try {
    const found = await store.recover()
    const latest = found.checkpoint?.id ?? 0
    if (latest < facts.highest) {
      facts.violations.push(
        `at the end ${latest} is recovered (${found.outcome}), and ${facts.highest} was acknowledged`,
      )
    }
    const ids = await store.ids()
    for (const id of ids) await judgeOne(store, id, facts)
    // Retention removes a checkpoint only if it leaves so many above it. Where nothing is ever removed, each must be there.
    const isEverRemoved = place.storage !== "fs" || isClaimed
    const lowest = isEverRemoved ? (ids.at(-kept) ?? 0) : 0
    const there = new Set(ids)
    for (const id of facts.acknowledged.keys()) {
      if (id >= lowest && !there.has(id)) facts.violations.push(`${id} was acknowledged, and is not there`)
    }
    await store.collectOrphans({ olderThanMs: 0 })
    await store.prune({ last: 1_000_000 })
    await judgeLeftovers(place, there, facts)
    facts.judge()
    return { checkpoints: ids.length, latest }
  } finally {
    await store.close()
    await plain.close()
  }
}

async function claimed(store: CheckpointStore): Promise<StoreOperations> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await store.claim()
    } catch (error) {
      if (attempt === 20) throw error
    }
  }
}

async function judgeOne(store: StoreOperations, id: number, facts: Facts): Promise<void> {
  const { valid, issues } = await store.verify(id, { depth: "deep" })
  if (!valid) {
    facts.violations.push(`at the end ${id} does not verify: ${JSON.stringify(issues)}`)
    return
  }
  const checkpoint = await store.open(id)
  const name = checkpoint.manifest.labels?.["name"] ?? ""
  facts.found(id, name, "the judge")
  const state = await (await checkpoint.state())?.bytes()
  if (Buffer.compare(state ?? new Uint8Array(), contentOf(name)) !== 0) {
    facts.violations.push(`at the end ${id} has not the bytes of ${name}`)
  }
}

async function judgeLeftovers(place: Place, ids: ReadonlySet<number>, facts: Facts): Promise<void> {
  await using backend = await backendAt(place)
  const below = [...ids].sort((one, other) => one - other)[0] ?? 0
  for await (const { key } of backend.list("")) {
    const id = Number(/(\d{6,})/.exec(key)?.[1] ?? Number.NaN)
    // Above the oldest checkpoint, an orphan may still be a save under way for all that anybody knows.
    if (id < below) facts.violations.push(`at the end ${key} is left of a checkpoint that is gone`)
  }
  // A soak that a violation ended early may have no folder of checkpoints.
  if (place.storage !== "fs" || !existsSync(`${place.root}/checkpoints`)) return
  for (const name of readdirSync(`${place.root}/checkpoints`)) {
    if (/^\.(?:stage|tmp|latest)-/.test(name))
      facts.violations.push(`at the end ${name} is left of a process that ended`)
  }
}
