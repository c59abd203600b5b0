import assert from "node:assert/strict"
import type { CheckpointStore } from "@ckpt/core"
import { heldCall } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { refusal, saveAll } from "../support.js"

/** Where claims live: in the pointer, or with a backend that knows claims of its own. */
export function claimsIn({ layout, raw }: ScenarioContext): "pointer" | "backend" | undefined {
  if (layout === "objects" && raw.capabilities.conditionalReplace) return "pointer"
  return raw.claim === undefined ? undefined : "backend"
}

/** Runs where a claim can hold; elsewhere the store must say that it cannot. */
export function claiming(name: string, run: (context: ScenarioContext) => Promise<void>): Scenario {
  return {
    name: `claim: ${name}`,
    async run(context) {
      if (claimsIn(context) !== undefined) return run(context)
      await refusal((await context.open()).claim(), "CKPT_UNSUPPORTED")
      // Nothing was written by the attempt.
      assert.equal((await (await context.open()).recover()).outcome, "fresh")
    },
  }
}

/** Looks at claims in the pointer, or at what is written before the pointer decides: elsewhere there is neither. */
export function claimingInPointer(name: string, run: (context: ScenarioContext) => Promise<void>): Scenario {
  return claiming(`in the pointer: ${name}`, async (context) => {
    if (claimsIn(context) === "pointer") return run(context)
    const leader = await claimed(context)
    assert.equal((await leader.recover()).outcome, "fresh")
    await saveAll(leader, 1)
  })
}

/** Claims, and closes what it got with the scenario. */
export async function claimed(
  context: ScenarioContext,
  options: Parameters<ScenarioContext["open"]>[0] = {},
): Promise<CheckpointStore> {
  return (await context.open(options)).claim()
}

/** The first write of this key waits for a gate. */
export function heldWrite(key: string) {
  return heldCall(({ call, key: first, keys = [first] }) => (call === "put" || call === "commit") && keys.includes(key))
}

export const latestId = async (store: CheckpointStore) => (await store.loadLatest())?.checkpointId
