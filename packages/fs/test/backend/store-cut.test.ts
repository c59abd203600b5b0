import { describe, expect, test } from "vitest"
import { seed } from "./ledger.js"
import { cut, scripts } from "./store-cut.js"
import { layouts } from "./store-session.js"

/** Trees of each model at each call. With 400, as `CKPT_CUTS=400` gives, a run takes minutes. */
const atMost = Number(process.env["CKPT_CUTS"] ?? 8)

/** How many syncs of one purpose are left out, each by itself, until one is missed. */
const attempts = 6

/** Syncs that no script misses, by their purpose. */
const redundant: readonly {
  readonly purpose: RegExp
  readonly layout?: string
  readonly sometimes?: boolean
  readonly reason: string
}[] = [
  {
    purpose: /^folder outside: /,
    reason: "a folder that no script makes: it is there before, as the model says",
  },
  {
    purpose: /^folder (?:root|above the root): nothing new$/,
    // Of some of them.
    sometimes: true,
    reason: "a folder that an earlier program made and may not have synced; killed-then-cut.test.ts misses it there",
  },
  {
    purpose: /probe|^file that is dropped$/,
    reason: "nobody reads a probe, or what a refused write brought, after a cut",
  },
  {
    purpose: /^folder (?:checkpoints|manifests): nothing new$/,
    reason: "of a probe, of a write that was refused, or of a name that its own writer has synced before",
  },
  {
    purpose: /^folder .*: (?:latest\.txt|latest\.json)$/,
    reason: "a pointer that is behind does no harm: recovery lists, and finds what is later",
  },
  {
    purpose: /^folder (?:\.claims: .*|root: \.claims)$/,
    reason: "a claim that a cut takes fences nobody: its holder has died too, and the history has the epoch",
  },
  {
    purpose: /^(?:file \.ckpt-spare|folder root: \.ckpt-spare)$/,
    reason: "the spare is needed on a full disk alone; power-cut.test.ts misses it there",
  },
  {
    purpose: /^folder (?:checkpoints\/checkpoint_N: manifest\.json|manifests: manifest-N\.json) \(removed\)$/,
    reason: "a manifest that comes back is below the floor of the history, and counts for nothing",
  },
  {
    purpose: /^folder root: checkpoints$/,
    layout: "directory",
    reason:
      "the spare is made in the same folder before the first answer, and synced; power-cut.test.ts misses it without one",
  },
]

describe.each(layouts)("a power cut after any call, in the layout %s", (layout) => {
  const judged = new Map<string, string | undefined>()
  const explore = (name: string, without?: number) =>
    cut(scripts[name]!, { layout, atMost, seed, judged, ...(without !== undefined && { without }) })

  test.each(Object.keys(scripts))("%s: what was told is there, and what was not does no harm", async (name) => {
    const { trees, states, faults } = await explore(name)
    process.stdout.write(`power cut, ${layout}, ${name}: ${trees} trees, ${states} opened, seed ${seed}\n`)
    expect(faults).toEqual([])
    expect(trees).toBeGreaterThan(10)
  })

  test("every sync that is left out is missed, or has a reason to be", { timeout: 900_000 }, async () => {
    const places = new Map<string, { name: string; at: number }[]>()
    for (const name of Object.keys(scripts)) {
      const { syncs } = await explore(name)
      for (const [at, purpose] of syncs.entries()) places.set(purpose, [...(places.get(purpose) ?? []), { name, at }])
    }
    const purposes = [...places.keys()]
    const wrong = redundant
      .filter((one) => (one.layout ?? layout) === layout && !purposes.some((purpose) => one.purpose.test(purpose)))
      .map(({ purpose }) => `no script makes a sync of ${String(purpose)}: its reason is stale`)
    for (const [purpose, all] of places) {
      const reason = redundant.find((one) => one.purpose.test(purpose) && (one.layout ?? layout) === layout)
      let fault: string | undefined
      // Last, the scripts of a program after another that was killed: they miss few syncs.
      const inOrder = [...all].sort((a, b) => Number(a.name.includes("killed")) - Number(b.name.includes("killed")))
      // A sync with a reason is left out once too: the reason must stay true.
      for (const { name, at } of inOrder.slice(0, reason === undefined ? attempts : 1)) {
        fault = (await explore(name, at)).faults[0]
        if (fault !== undefined) break
      }
      if (fault === undefined && reason === undefined) wrong.push(`nobody misses the sync of the ${purpose}`)
      if (fault !== undefined && reason !== undefined && reason.sometimes !== true)
        wrong.push(`the sync of the ${purpose} is needed: ${fault}`)
    }
    process.stdout.write(`left out, ${layout}: ${places.size} kinds of syncs\n`)
    expect(wrong).toEqual([])
  })
})
