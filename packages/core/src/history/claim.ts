import { BackendError, CheckpointError } from "../errors.js"
import { newToken } from "../format/ids.js"
import { marked } from "../format/manifest/claim-mark.js"
import { type Claim, isLost } from "../format/pointer.js"
import { createMarker } from "../storage/create-marker.js"
import { maxSwaps, ownVersionRefused, swap } from "../storage/swap.js"
import { writerEpochOf } from "../verify/read-manifest.js"
import type { History } from "./history.js"
import { Leader } from "./leader.js"
import { latestValidId } from "./summary.js"
import { View } from "./view.js"

/**
 * Makes a new writer lead. Every earlier writer is superseded: its saves are refused, and a manifest that it still
 * writes does not count.
 *
 * 1. One swap puts the new writer into the pointer. If the store has claims already, the same swap adds the new claim.
 * 2. The first claim of a store: list, then a second swap adds the claim. See {@link endOfPlainHistory}.
 * 3. An object of its own repeats the claim, in case the pointer is lost later.
 * 4. The latest manifest that counts gets a mark. See {@link shutOutLateUpdates}.
 *
 * The next `claim()` mends whatever a crash between two steps leaves. Until then: after step 1 of a first claim nobody
 * may write; before step 3, the claim is lost if the pointer is also lost; before step 4, an update under way may still
 * land.
 *
 * @throws {CheckpointError} `CKPT_UNSUPPORTED` where no compare-and-swap holds among processes
 */
export async function claim(history: History, signal: AbortSignal | undefined): Promise<Leader> {
  assertClaimable(history)
  const writer = { token: newToken(), epoch: 0 }
  const before = await history.pointer.read(signal)
  // A lost pointer does not say where the history ends, so the listing and the claims' own objects must say it. Nobody
  // leads while the pointer is lost, so the end does not move meanwhile.
  const lostEnd =
    isLost(before) && before.claims.length > 0 ? await endOfHistory(history, before.claims, signal) : undefined
  const first = await history.pointer.change((current) => {
    if (current.writer?.token === writer.token) return undefined
    writer.epoch = 1 + Math.max(current.writer?.epoch ?? 0, ...current.claims.map((claim) => claim.epoch))
    const leads = { writer: { ...writer } }
    if (current.claims.length === 0) return leads
    // On a claimed store the pointer is the end of the history.
    const from = isLost(current) ? lostEnd : current.checkpointId
    if (from === undefined) throw new BackendError("transient", `${history.pointer.key} was lost a moment ago`)
    return { ...leads, checkpointId: from, claims: withClaim(current.claims, writer.epoch, from) }
  })
  const from = first.claims.length > 0 ? first.checkpointId : await endOfPlainHistory(history, writer, signal)
  // If the pointer is lost later, readers find the claim by this object. So it is created before the leader writes
  // anything.
  const { storage, layout } = history.place
  await createMarker(storage, layout.claimKey(writer.epoch, from), { epoch: writer.epoch, from }, signal)
  const view = await history.view(signal, { of: "manifests" })
  history.pointer.assertLeads(view.pointer, writer)
  await shutOutLateUpdates(history, view, writer.epoch, signal)
  return new Leader({ ...writer }, from)
}

function assertClaimable({ hasClaims, place }: History): void {
  if (hasClaims) return
  const { layout, storage } = place
  const { backend } = storage
  const why =
    backend.capabilities.compareAndSwap === "storage"
      ? `the ${layout.name} layout has no room for a claim`
      : `storage ${backend.name} has no compare-and-swap that holds among processes`
  const message = `claim: ${why}. Use an object store with the "objects" layout, or make sure by other means that only one process writes.`
  throw new CheckpointError("CKPT_UNSUPPORTED", message, { backend: backend.name })
}

/**
 * Adds a claim. It replaces a claim with the same `from`: the higher epoch excludes every manifest that the lower epoch
 * excluded.
 */
function withClaim(before: readonly Claim[], epoch: number, from: number): Claim[] {
  return [...before.filter((claim) => claim.from !== from), { epoch, from }]
}

/**
 * The second swap of a store's first claim; gives the end of the history. Until the first claim the pointer is only a
 * hint, and an acknowledged checkpoint may lie above it. The first swap made the new writer lead, so no earlier save is
 * acknowledged any more; therefore the listing that follows shows every acknowledged checkpoint.
 */
async function endOfPlainHistory(
  history: History,
  writer: { epoch: number; token: string },
  signal: AbortSignal | undefined,
): Promise<number> {
  const latest = await endOfHistory(history, [], signal)
  const settled = await history.pointer.change((current) => {
    if (current.writer?.token === writer.token && current.claims.length > 0) return undefined
    history.pointer.assertLeads(current, writer)
    const checkpointId = Math.max(current.checkpointId, latest)
    return { checkpointId, claims: [{ epoch: writer.epoch, from: checkpointId }] }
  })
  return settled.checkpointId
}

/**
 * The latest valid checkpoint that counts by the floor and the claims, wherever the pointer stands; 0 if there is none.
 */
async function endOfHistory(
  history: History,
  claims: readonly Claim[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const { listing, pointer } = await history.look(signal)
  const view = new View(listing, { ...pointer, checkpointId: Number.MAX_SAFE_INTEGER, claims }, () =>
    history.pointer.read(signal),
  )
  return (await latestValidId(history.verifier, view, { signal, anew: true })) ?? 0
}

/**
 * Swaps the latest manifest that counts for the same manifest with a mark. An update that the superseded writer has
 * under way then finds another version, and fails.
 */
async function shutOutLateUpdates(
  history: History,
  view: View,
  epoch: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const id of view.latestFirst()) {
    if ((await markOne(history, view, id, epoch, signal)) === "marked") return
  }
}

/**
 * `"passed over"`: the manifest is gone, is damaged or is not part of the history. Then the next older manifest is
 * marked.
 */
async function markOne(
  { place, verifier }: History,
  view: View,
  id: number,
  epoch: number,
  signal: AbortSignal | undefined,
): Promise<"marked" | "passed over"> {
  const key = place.layout.manifestKey(id)
  let lost: BackendError | undefined
  let refused: string | undefined
  for (let swaps = 0; swaps < maxSwaps; swaps++) {
    const found = await verifier.manifest(id, signal)
    if (found?.manifest === undefined || found.meta === undefined) return "passed over"
    if (!view.isOfHistory(id, writerEpochOf(found.manifest))) return "passed over"
    if ((found.manifest.writer?.fenced ?? 0) >= epoch) return "marked"
    lost ??= ownVersionRefused(key, refused, found.meta.version)
    if (lost !== undefined) throw lost
    const bytes = marked(found.manifest, epoch)
    const swapped = await swap(place.storage, key, found.meta.version, bytes, signal)
    if (swapped.outcome === "done") return "marked"
    // Another update came first: the next round marks its manifest. An answer was lost: the next round looks for the
    // mark.
    if (swapped.outcome === "unknown") lost = swapped.lost
    refused = found.meta.version
  }
  throw new BackendError("transient", `lost ${maxSwaps} swaps of ${key} to other writers`)
}
