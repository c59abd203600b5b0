import { type PolicyName, policies } from "../scenario/action.js"
import { manifestKey } from "../storage/keys.js"
import type { Acknowledged, Operation } from "./operation.js"

interface Facts {
  /** Ids that counted at any time. */
  readonly counted: readonly number[]
  readonly created: ReadonlyMap<string, number>
  readonly now: number
  readonly latest: number
}

/**
 * Whether an operation may have removed this acknowledged checkpoint. It may by its own rule. It also may if the
 * checkpoint was acknowledged while the operation ran, and a newer checkpoint counted already: neither the save nor the
 * operation could know of the other.
 */
export function mayRemove(operation: Operation, one: Acknowledged, facts: Facts): boolean {
  const { action } = operation
  if (one.id >= facts.latest) return false
  // A collection sees every checkpoint that was acknowledged before its last listing.
  const saw = action.do === "collectOrphans" ? operation.lastListing : operation.start
  if (one.outranked && one.tick > saw) return true
  if (action.do === "remove") return operation.removes === one.id
  if (action.do !== "prune") return false
  return !keeps(action.policy, one, facts)
}

/** Whether the policy keeps the checkpoint, whichever of the newer checkpoints the operation saw. */
function keeps(name: PolicyName, { id, content }: Acknowledged, { counted, created, now }: Facts): boolean {
  const { last, every, withinMs } = policies[name]
  if (last !== undefined) return counted.filter((other) => other > id).length < last
  if (every !== undefined) return id % every === 0
  if (withinMs !== undefined) {
    return now - (created.get(manifestKey(id)) ?? 0) <= withinMs
  }
  return content % 2 === 1
}
