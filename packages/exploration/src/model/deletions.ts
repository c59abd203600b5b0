import { describeAction } from "../scenario/action.js"
import { nameOf } from "../storage/keys.js"
import type { Operation } from "./operation.js"
import { Violation } from "./violation.js"

export interface DeletionFacts {
  /** The operations that the sender of the request was doing. */
  readonly doing: readonly Operation[]
  /** The request was delayed, is a repetition, or was left by a crash. */
  readonly late: boolean
  /** The latest checkpoint that counts. */
  readonly latest: number
  /** When the object was created, and the time now, both by the storage's clock. */
  readonly created: number
  readonly now: number
}

/** Throws if this object may not be deleted now, or not by this sender. */
export function assertMayDelete(key: string, { doing, late, latest, created, now }: DeletionFacts): void {
  const name = nameOf(key)
  if (name === undefined) return
  if (name.kind === "pointer") throw new Violation("the pointer is deleted")
  if (name.id >= latest) {
    throw new Violation(`${key} is deleted, at or above the latest valid checkpoint, ${latest}`)
  }
  if (late || doing.length !== 1) return
  const [{ action }] = doing as readonly [Operation]
  if (action.do === "collectOrphans") {
    const age = now - created
    if (age < action.olderThanMs) {
      throw new Violation(`${key} is collected at the age of ${age} ms, younger than ${action.olderThanMs}`)
    }
  } else if (action.do !== "prune" && action.do !== "remove") {
    throw new Violation(`${key} is deleted by ${describeAction(action)}`)
  }
}
