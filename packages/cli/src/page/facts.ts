import { gapFactor, median } from "./data/gaps.js"
import type { Listing } from "./look.js"
import { bytesOf, type Seen, statusOf } from "./status.js"
import type { Verifying } from "./verifying.js"

/** What a listing adds up to. */
export interface Facts {
  readonly count: number
  readonly damaged: number
  readonly unverified: number
  readonly pinned: number
  readonly bytes: number
  /** The latest that is not damaged: recovery takes it, unless a byte of it that nobody read is wrong. */
  readonly latestValid: Seen | undefined
  /** Between two checkpoints, in milliseconds; undefined with fewer than two. */
  readonly medianInterval: number | undefined
  /** The longest time without a checkpoint that is longer than `gapFactor` usual ones. */
  readonly longestGap: { readonly after: number; readonly ms: number } | undefined
  readonly gaps: number
}

const known = new WeakMap<Listing, { readonly version: number; readonly facts: Facts }>()

/** Made once for each listing and finding: a page that is open asks again and again. */
export function factsOf(listing: Listing, verifying: Verifying): Facts {
  const before = known.get(listing)
  if (before?.version === verifying.version) return before.facts
  const facts = addUp(listing.checkpoints, verifying)
  known.set(listing, { version: verifying.version, facts })
  return facts
}

function addUp(checkpoints: readonly Seen[], verifying: Verifying): Facts {
  let [damaged, unverified, pinned, bytes] = [0, 0, 0, 0]
  let latestValid: Seen | undefined
  for (const one of checkpoints) {
    const status = statusOf(one, verifying.finding(one))
    if (status === "damaged") damaged++
    else latestValid = one
    if (status === "unverified") unverified++
    if (one.pins !== undefined) pinned++
    bytes += bytesOf(one)
  }
  const found = intervals(checkpoints)
  const usual = median(found.map(({ ms }) => ms))
  const gaps = usual === undefined ? [] : found.filter(({ ms }) => ms > usual * gapFactor)
  const longestGap = gaps.reduce<Facts["longestGap"]>((a, b) => (a === undefined || b.ms > a.ms ? b : a), undefined)
  const sums = { count: checkpoints.length, damaged, unverified, pinned, bytes }
  return { ...sums, latestValid, medianInterval: usual, longestGap, gaps: gaps.length }
}

function intervals(checkpoints: readonly Seen[]): { after: number; ms: number }[] {
  const found: { after: number; ms: number }[] = []
  for (let at = 1; at < checkpoints.length; at++) {
    const [before, after] = [checkpoints[at - 1], checkpoints[at]]
    // A clock that was set back makes no interval.
    if (before !== undefined && after !== undefined)
      found.push({ after: before.id, ms: Math.max(0, after.time - before.time) })
  }
  return found
}
