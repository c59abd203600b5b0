import assert from "node:assert/strict"
import { forEachConcurrently } from "../../harness/concurrency.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { manifestOf, refusal, saveAll } from "../support.js"
import { claimed, claimingInHistory } from "./claim-support.js"

const records = ["history", "pointer"] as const
const checkpointParts = ["manifest", "state"] as const
type Part = (typeof records)[number] | (typeof checkpointParts)[number]

/**
 * Changes bits of one object of a store that was claimed twice and pruned, each bit by itself. Recovery gives the same
 * checkpoint as before; if it ever gives another one or none, an event or `skipped` tells it. The checkpoint is the latest.
 */
async function flipBits(context: ScenarioContext, what: Part, bitsOf: (index: number) => number[]) {
  const { keys, open, peek, raw } = context
  await saveAll(await open(), 1, 2)
  const first = await claimed(context)
  await saveAll(first, 3)
  const leader = await claimed(context)
  await refusal(first.save(manifestOf(9)), "CKPT_FENCED")
  await leader.recover()
  await saveAll(leader, 4, 5, 6)
  await leader.pin(4, "kept")
  await leader.prune({ last: 2 })
  const key = what === "manifest" || what === "state" ? keys[what](6) : keys[what]
  const own = (await peek(key)) as Uint8Array
  const others = await Promise.all(
    (await context.allKeys()).filter((one) => one !== key).map(async (one) => [one, await peek(one)] as const),
  )
  const flips = [...own.keys()].flatMap((index) => bitsOf(index).map((bit) => ({ index, bit })))
  // A prefix of its own for each: a flip must not meet the answer of the flip before it.
  await forEachConcurrently(flips, async ({ index, bit }) => {
    const prefix = `flip-${index}-${bit}/`
    const changed = own.slice()
    changed[index] = (changed[index] as number) ^ (1 << bit)
    await Promise.all(
      [...others, [key, changed] as const].map(([one, bytes]) => raw.put(`${prefix}${one}`, [bytes as Uint8Array])),
    )
    const told: string[] = []
    const store = await open({ prefix, onEvent: ({ type }) => told.push(type) })
    const found = await store.recover({ depth: what === "state" ? "deep" : "shallow" })
    const where = `bit ${bit} of byte ${index} (${JSON.stringify(String.fromCharCode(own[index] as number))})`
    if (found.checkpoint?.id !== 6) {
      const isTold = found.skipped.length > 0 || told.includes("history-lost") || told.includes("pointer-unreadable")
      assert.ok(
        isTold && found.outcome !== "fresh",
        `${where}: ${found.outcome} ${found.checkpoint?.id}, and nothing told it`,
      )
    }
    // A part of the checkpoint has a checksum over every byte.
    if (what === "manifest" || what === "state") assert.notEqual(found.checkpoint?.id, 6, `${where}: taken for sound`)
    if (what === "history") assert.ok(told.includes("history-lost"), `${where}: the damage was not noticed`)
    await store.close()
    await raw.delete([...others.map(([one]) => `${prefix}${one}`), `${prefix}${key}`])
  })
}

/** One bit of every 32nd byte, for every storage: what a changed byte does is decided in core, and a storage only gives it back. */
export const flipScenarios: readonly Scenario[] = records.map((what) =>
  claimingInHistory(`a changed bit in every 32nd byte of the ${what}: noticed, or harmless`, (context) =>
    flipBits(context, what, (index) => (index % 32 === 0 ? [(index / 32) % 8] : [])),
  ),
)

/** Every bit, for a storage that answers at once. */
export const everyFlipScenarios: readonly Scenario[] = [...records, ...checkpointParts].map((what) =>
  claimingInHistory(`each bit of the ${what} changed: noticed, or harmless`, (context) =>
    flipBits(context, what, () => [0, 1, 2, 3, 4, 5, 6, 7]),
  ),
)
