import type { ObjectMeta } from "@ckpt/core"
import { describeAction } from "../scenario/action.js"
import { isProbe, nameOf } from "../storage/keys.js"
import type { SimulatedStorage } from "../storage/storage.js"
import type { Operation } from "./operation.js"
import { Violation } from "./violation.js"

export interface DeletionFacts {
  /** The operations that the sender of the request was doing. */
  readonly doing: readonly Operation[]
  /** The request was delayed, is a repetition, or was left by a crash. */
  readonly late: boolean
  /** The latest checkpoint that counts. */
  readonly latest: number
  /** Nothing of this id counts, now or later. */
  isDead(id: number): boolean
  /** The manifest of this id is there, and was there at that tick. */
  stands(id: number, since: number): boolean
  /** When the history was lost; `undefined`: it is sound. */
  readonly lost: number | undefined
}

/** Throws if a store collects the state of a save that it had begun before. A save of another store cannot be seen. */
function assertSparesOwn(id: number, doing: readonly Operation[]): void {
  const collecting = doing.find(({ action }) => action.do === "collectOrphans")
  if (collecting === undefined) return
  for (const operation of doing) {
    const { writes } = operation
    if (writes?.id !== id || writes.tick > collecting.start || operation.epoch !== collecting.epoch) continue
    throw new Violation(`the state of ${id} is collected by the store that is saving it`)
  }
}

/** Throws if one of these objects may not be deleted now, or not by this sender. */
export function assertMayDelete(keys: readonly string[], storage: SimulatedStorage, facts: DeletionFacts): void {
  for (const key of keys) {
    const object = storage.objects.get(key)
    if (object !== undefined && !isProbe(key)) assertMayGo(object.meta, storage.now, facts)
  }
}

function assertMayGo({ key, lastModified }: ObjectMeta, now: number, facts: DeletionFacts): void {
  const { doing, late, latest, lost } = facts
  const name = nameOf(key)
  if (name === undefined) return
  if (name.kind === "pointer" || name.kind === "history") throw new Violation(`the ${name.kind} is deleted`)
  if (name.id >= latest) {
    throw new Violation(`${key} is deleted, at or above the latest valid checkpoint, ${latest}`)
  }
  if (!facts.isDead(name.id)) throw new Violation(`${key} is deleted, and its id may still count`)
  if (late) return
  if (name.kind === "state") assertSparesOwn(name.id, doing)
  if (doing.length !== 1) return
  const [{ action, start }] = doing as readonly [Operation]
  if (lost !== undefined && start > lost) throw new Violation(`${key} is deleted while the history is lost`)
  if (name.kind === "state" && facts.stands(name.id, start))
    throw new Violation(`${key} is deleted, and its manifest is there`)
  if (action.do === "collectOrphans") {
    const age = now - lastModified.getTime()
    if (age < action.olderThanMs) {
      throw new Violation(`${key} is collected at the age of ${age} ms, younger than ${action.olderThanMs}`)
    }
  } else if (action.do !== "prune" && action.do !== "remove") {
    throw new Violation(`${key} is deleted by ${describeAction(action)}`)
  }
}
