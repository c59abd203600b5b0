import assert from "node:assert/strict"
import type { LeaderStore, StoreOperations } from "@ckpt/core"
import { heldCall } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { refusal, saveAll } from "../support.js"

/** Who decides a claim: the history alone, or first a backend with claims of its own. */
export function claimsIn({ raw }: ScenarioContext): "history" | "backend" | undefined {
  if (raw.capabilities.compareAndSwap === "storage") return "history"
  return raw.claim === undefined ? undefined : "backend"
}

/** Runs where claims are possible. Elsewhere `claim` must be CKPT_UNSUPPORTED. */
export function claiming(name: string, run: (context: ScenarioContext) => Promise<void>): Scenario {
  return {
    name: `claim: ${name}`,
    async run(context) {
      if (claimsIn(context) !== undefined) return run(context)
      await refusal((await context.open()).claim(), "CKPT_UNSUPPORTED")
      // The attempt wrote nothing.
      assert.equal((await (await context.open()).recover()).outcome, "fresh")
    },
  }
}

/** Runs where the history alone decides a claim, so that a claim can be met half made. Elsewhere a claim and a save are tried. */
export function claimingInHistory(name: string, run: (context: ScenarioContext) => Promise<void>): Scenario {
  return claiming(`in the history: ${name}`, async (context) => {
    if (claimsIn(context) === "history") return run(context)
    const leader = await claimed(context)
    assert.equal((await leader.recover()).outcome, "fresh")
    await saveAll(leader, 1)
  })
}

/** A leader, which is closed at the end of the scenario. */
export async function claimed(
  context: ScenarioContext,
  options: Parameters<ScenarioContext["open"]>[0] = {},
): Promise<LeaderStore> {
  return (await context.open(options)).claim()
}

/** Holds the first write of this key. */
export function heldWrite(key: string) {
  return heldCall(({ call, key: first, keys = [first] }) => (call === "put" || call === "commit") && keys.includes(key))
}

export const latestId = async (store: StoreOperations) => (await store.loadLatest())?.checkpointId
