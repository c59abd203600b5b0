import type { LayoutName, ObjectBackend } from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { seed } from "./ledger.js"
import type { Fate } from "./power-cut.js"
import { type Explored, type ExploreOptions, exploreStall } from "./stalled-sync.js"

const layouts: readonly LayoutName[] = ["directory", "objects"]

const kinds: readonly { says: string; fate: Fate; stalls: boolean }[] = [
  { says: "stalls past the time-out, then fails", fate: "fails", stalls: true },
  { says: "stalls past the time-out, then ends", fate: "ends", stalls: true },
  { says: "fails at once", fate: "fails", stalls: false },
]

/** Every sync of a directory in its turn. */
async function exploreAll(options: Omit<ExploreOptions, "at">): Promise<Omit<Explored, "syncs">> {
  const all = { faults: [] as string[], states: 0, unknown: 0 }
  for (let at = 0, syncs = 1; at < syncs; at++) {
    const found = await exploreStall({ ...options, at })
    syncs = found.syncs
    all.faults.push(...found.faults.map((fault) => `sync ${at}: ${fault}`))
    all.states += found.states
    all.unknown += found.unknown
  }
  return all
}

describe.each(layouts)("%s layout: one sync of a directory", (layout) => {
  test.each(kinds)("$says: what was acknowledged is there after a power cut", async ({ says, ...kind }) => {
    const { faults, states, unknown } = await exploreAll({ layout, ...kind })
    process.stdout.write(`${layout}, a sync that ${says}: ${states} states, ${unknown} unknown, seed ${seed}\n`)
    expect(faults).toEqual([])
    expect(states).toBeGreaterThan(300)
    expect(unknown).toBeGreaterThan(0)
  })
})

function withoutConfirm(backend: ObjectBackend): ObjectBackend {
  return new Proxy(backend, {
    get: (target, name) => {
      const value: unknown = name === "confirm" ? undefined : Reflect.get(target, name)
      return typeof value === "function" ? value.bind(target) : value
    },
  })
}

/** The names whose sync is under way are forgotten. */
function forgetUnsynced(): void {
  const registry = (globalThis as Record<symbol, { unsynced: Map<string, unknown> } | undefined>)[
    Symbol.for("@ckpt/fs.roots.v1")
  ]
  registry?.unsynced.clear()
}

describe("a rule left out is found:", () => {
  test.each(layouts)("%s layout: what is visible passes for durable", async (layout) => {
    const { faults } = await exploreAll({ layout, fate: "fails", stalls: true, mutate: withoutConfirm })
    expect(faults.length).toBeGreaterThan(0)
  })

  test.each(layouts)("%s layout: a second sync passes for the first, which is under way", async (layout) => {
    const { faults } = await exploreAll({ layout, fate: "fails", stalls: true, onStall: forgetUnsynced })
    expect(faults.length).toBeGreaterThan(0)
  })
})
