import type { Clock } from "../async/clock.js"
import type { Saver } from "../commit/save.js"
import { CheckpointError } from "../errors.js"
import type { Emit } from "../events.js"
import type { History } from "../history/history.js"
import { show } from "../input/show.js"
import type { Calls } from "./calls.js"

/** What a function of this library may do with a store, beyond its public operations. */
export interface Insides {
  readonly calls: Calls
  readonly clock: Clock
  readonly emit: Emit
  readonly history: History
  readonly saver: Saver
}

/** Not exported, and each copy of the library has its own. */
const insidesKey = Symbol("insides")

/** To be called once by each store. */
export function register(store: object, insides: Insides): void {
  Object.defineProperty(store, insidesKey, { value: insides })
}

/**
 * @param name of the argument, for the message
 * @throws {CheckpointError} `CKPT_INVALID` if it is no store of this copy of the library
 */
export function insidesOf(what: string, name: string, store: unknown): Insides {
  const found = (store as { readonly [insidesKey]?: Insides } | null | undefined)?.[insidesKey]
  if (found !== undefined) return found
  const message = `${what}: ${name} is ${show(store)}; give an open store of the same copy of @ckpt/core.`
  throw new CheckpointError("CKPT_INVALID", message)
}
