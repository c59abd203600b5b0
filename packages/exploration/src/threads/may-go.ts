import { day } from "../scenario/draw-threads.js"
import type { Known, Operation } from "./known.js"

/** A subgraph's checkpoint stays so long for a checkpoint of its graph that is still on its way. */
const patienceMs = 3 * day

/**
 * Why a prune must not remove a checkpoint; `undefined` if a rule allows it. This is the rule of the README in code of its own.
 *
 * @param damagedSince when the object was damaged, in changes of the storage
 */
export function whyNotPruned(
  known: Known,
  prune: Operation,
  all: readonly Known[],
  now: number,
  damagedSince: (key: string) => number,
): string | undefined {
  const { last = 1, withinMs = 0, keep = [] } = prune.rules ?? {}
  const { id, namespace } = known.place
  if (damagedSince(known.key) < prune.begun) return "it is damaged"
  if (keep.includes(id)) return "it is named"
  const isOfOneTask = namespace.includes(":")
  if (!isOfOneTask) {
    const newer = all.filter(({ place }) => place.namespace === namespace && place.id > id)
    const isWhole = ({ brokenSince }: Known) => brokenSince === undefined || brokenSince >= prune.begun
    if (!newer.some((one) => one.isThere && isWhole(one))) return "it is the latest"
    // Each was there at some moment since the prune began. The values of those behind the latest are not looked at.
    const places = newer.filter(({ key }) => damagedSince(key) >= prune.begun)
    if (places.filter(({ isThere, goneSince }) => isThere || goneSince >= prune.begun).length < last)
      return `it is one of the latest ${last}`
    if (now - known.storedAt < withinMs) return `it was stored within ${withinMs} ms`
  }
  // A child that was stored meanwhile is excluded by the README, unless its parent is the latest. What a damaged one needs is not known.
  const child = all.find(
    (one) =>
      one.isThere &&
      one.needs === id &&
      one.place.namespace === namespace &&
      one.thereSince <= prune.begun &&
      damagedSince(one.key) > prune.begun,
  )
  if (child !== undefined) return `${child.name} needs it`
  if (namespace === "") return undefined
  const root = all.find(({ place }) => place.namespace === "" && place.id === known.root)
  if (root?.isThere === true && !root.mayGo) {
    const why = whyNotPruned(root, prune, all, now, damagedSince)
    return why && `${root.name}, whose it is, stays: ${why}`
  }
  if ((root === undefined || root.landings === 0) && now - known.storedAt < patienceMs)
    return "its root is still on its way"
  return undefined
}
