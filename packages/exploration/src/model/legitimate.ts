import { type PolicyName, policies } from "../scenario/action.js"
import { manifestKey } from "../storage/keys.js"
import type { Acknowledged, Operation } from "./operation.js"

interface Facts {
  readonly counted: ReadonlyMap<number, unknown>
  readonly created: ReadonlyMap<string, number>
  readonly now: number
  readonly latest: number
}

/**
 * Whether an operation may have made this acknowledged checkpoint go: by its own rule, or because the checkpoint was
 * acknowledged while it ran and was outranked by then, so that neither could know of the other.
 */
export function mayRemove(operation: Operation, one: Acknowledged, facts: Facts): boolean {
  const { action } = operation
  if (one.id >= facts.latest) return false
  // What was acknowledged before its last listing, a collection sees.
  const saw = action.do === "collectOrphans" ? operation.lastListing : operation.start
  if (one.outranked && one.tick > saw) return true
  if (action.do === "remove") return removedId(operation) === one.id
  if (action.do !== "prune") return false
  return !keeps(action.policy, one, facts)
}

/** `remove` names its id when it begins. */
const removals = new WeakMap<Operation, number>()

export function nameRemoval(operation: Operation, id: number): void {
  removals.set(operation, id)
}

function removedId(operation: Operation): number | undefined {
  return removals.get(operation)
}

/** Whether the policy keeps it, whatever of the newer checkpoints the operation saw. */
function keeps(name: PolicyName, { id, content }: Acknowledged, { counted, created, now }: Facts): boolean {
  const { last, every, withinMs } = policies[name]
  if (last !== undefined) return [...counted.keys()].filter((other) => other > id).length < last
  if (every !== undefined) return id % every === 0
  if (withinMs !== undefined) {
    return now - (created.get(manifestKey(id)) ?? 0) <= withinMs
  }
  return content % 2 === 1
}
