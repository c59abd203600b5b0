import type { Choices } from "../scenario/choices.js"
import { nameOf } from "../storage/keys.js"
import type { SimulatedStorage } from "../storage/storage.js"
import type { Watcher } from "./request.js"
import { short } from "./trace.js"

const kinds = [["manifest"], ["manifest", "state"], ["state"]] as const

/**
 * The storage loses the manifest of a checkpoint, its state, or both, as when a folder is lost. Nobody asked for it, and
 * nobody is told. Returns the words for the trace; `undefined` if nothing was there to be lost.
 */
export function lose(storage: SimulatedStorage, choices: Choices, watcher: Watcher): string | undefined {
  const ids = new Set<number>()
  for (const key of storage.objects.keys()) {
    const name = nameOf(key)
    if (name?.kind === "manifest") ids.add(name.id)
  }
  if (ids.size === 0) return undefined
  const latestFirst = [...ids].sort((a, b) => b - a)
  const id = latestFirst[choices.below(latestFirst.length, 0.7)] as number
  const lost: readonly string[] = kinds[choices.below(kinds.length, 0.5)] as (typeof kinds)[number]
  const keys = [...storage.objects.keys()].filter((key) => {
    const name = nameOf(key)
    return name?.id === id && lost.includes(name.kind)
  })
  if (keys.length === 0) return undefined
  watcher.beforeLoss(id)
  storage.delete(keys)
  // A state that is written now, for a manifest that lost its own, is younger than the manifest.
  storage.now += 1_000
  return keys.map(short).join(" ")
}
