import { mapConcurrently } from "../async/concurrency.js"
import { BackendError, CheckpointError } from "../errors.js"
import { type HistoryRecord, newHistoryId, noHistory } from "../format/history-record.js"
import { IdRanges } from "../format/id-ranges.js"
import { ascending } from "../format/ids.js"
import type { ObjectMeta } from "../storage/backend.js"
import { epochsOf } from "../verify/read-manifest.js"
import type { Current, Given } from "./current.js"
import type { History } from "./history.js"
import { byManifests } from "./judge.js"
import { maxChanges, outpaced } from "./lead.js"
import type { Listing } from "./listing.js"
import { counts, keptUpTo } from "./rule.js"
import { believableGap } from "./view.js"

/**
 * Makes a new writer lead. Every earlier writer is superseded: its saves are refused, and a manifest that it still writes
 * does not count.
 *
 * 1. Replace the history by one that says that a claim is being made. From now on no save is acknowledged.
 * 2. List the manifests, and read those above the floor. A listing may lag, so the pointer's checkpoint is looked at, too.
 * 3. Replace the history once more: the new epoch and writer, the floor above all that is listed, and in `kept` what counts.
 *
 * So an acknowledged checkpoint is kept: its manifest was there before step 1, so the listing shows it. And a manifest that
 * comes later is dead: its id is at or below the floor and not kept, or its epoch is not the new one. What cannot be read
 * cannot be judged, and is kept: the new leader tells it as damaged.
 *
 * A crash between the steps leaves the claim half made. The next claim goes over it, and a save that waits for it takes it
 * out. A lost history is built anew, above every epoch that a manifest carries.
 *
 * @returns the claim, and the history that it made
 * @throws {CheckpointError} `CKPT_FENCED` if another process claimed at the same time
 */
export async function claim(history: History, signal: AbortSignal | undefined): Promise<Given> {
  const writer = newHistoryId()
  const read: Read = new Map()
  for (let changes = 0; changes < maxChanges; changes++) {
    signal?.throwIfAborted()
    const current = await history.current(signal)
    const base = current.lost === undefined ? current.record : await anew(history, current, signal)
    // A claim that another process has begun ends here: this claim goes over it.
    const epoch = 1 + Math.max(base.epoch, current.record.claiming?.epoch ?? 0)
    const announced = await history.change(current, { ...base, claiming: { epoch, writer } }, signal)
    if (announced === undefined) continue
    const listing = await history.listedWithPointer(signal)
    const end = await endOf(history, announced.record, listing, read, signal)
    if (end === "lost") continue
    // A caller who gave up does not lead.
    signal?.throwIfAborted()
    const led = { ...announced.record, ...end, epoch, writer, claiming: undefined }
    const given = await history.change(announced, led, signal)
    if (given !== undefined) return { lead: { epoch, writer }, stored: given }
    const now = await history.current(signal)
    // Another claim went over this one. If a save took it out, or the leader before gave the lead up, begin again.
    const { claiming = { writer } } = now.record
    if (now.record.epoch >= epoch || claiming.writer !== writer) throw overtaken(history, now)
  }
  throw outpaced(history, "claim")
}

/**
 * What a claim has read so far: id → version and epochs. A save takes a claim out that lasts longer than its patience. On a store
 * of many thousand checkpoints a claim that read them all each time would be taken out each time.
 */
type Read = Map<number, { readonly version: string; readonly epochs: NonNullable<ReturnType<typeof epochsOf>> }>

/**
 * The floor and the kept ids of a claim: everything listed lies at or below the floor, and what counts is kept. `"lost"`: a
 * manifest carries a higher epoch than the history.
 */
async function endOf(
  { verifier }: History,
  record: HistoryRecord,
  { manifests }: Listing,
  read: Read,
  signal: AbortSignal | undefined,
): Promise<{ readonly floor: number; readonly kept: IdRanges } | "lost"> {
  const above = [...manifests.keys()].filter((id) => id > record.floor)
  const found = await mapConcurrently(above, async (id) => {
    const { version } = manifests.get(id) as ObjectMeta
    const known = read.get(id)
    if (known !== undefined && known.version === version) return { id, ...known }
    const manifest = await verifier.manifest(id, signal)
    if (manifest === undefined) return undefined
    const epochs = epochsOf(manifest.manifest)
    if (epochs !== undefined && manifest.meta?.version === version) read.set(id, { version, epochs })
    return { id, epochs }
  })
  const counting: number[] = []
  let sound = record.floor
  for (const one of found) {
    if (one === undefined) continue
    const { id, epochs } = one
    if ((epochs?.carries ?? 0) > record.epoch) return "lost"
    if (!counts(id, epochs?.writer, record)) continue
    counting.push(id)
    if (epochs !== undefined) sound = Math.max(sound, id)
  }
  const floor = highestBelievable(above, sound)
  return { floor, kept: keptUpTo(floor, record, counting) }
}

/**
 * The highest of these ids that is not far above `sound`, the highest id that counts and can be read: a stray file with a huge
 * id must not use up the ids. Such a file is told as damaged, or is dead, above the floor as well.
 */
function highestBelievable(ids: readonly number[], sound: number): number {
  let highest = sound
  for (const id of [...ids].sort(ascending)) {
    if (highest > 0 && id - highest > believableGap) break
    highest = Math.max(highest, id)
  }
  return highest
}

/**
 * The history of a store whose history is lost, from the manifests alone: what counts by them is kept, all else up to the
 * highest id is dead. Nobody leads, so a writer from before is refused.
 */
async function anew(history: History, current: Current, signal: AbortSignal | undefined): Promise<HistoryRecord> {
  const listing = await history.lister.manifests(signal)
  const { counting, sound, ...judge } = await byManifests(history.verifier, listing, signal)
  const floor = highestBelievable([...listing.manifests.keys()], sound)
  // A manifest that this store read may be gone by now; its writer may still write.
  const epoch = Math.max(judge.epoch, current.record.epoch, history.verifier.epochSeen)
  return {
    ...noHistory,
    lineage: newHistoryId(),
    epoch,
    floor,
    kept: IdRanges.of(counting.filter((id) => id <= floor)),
  }
}

function overtaken({ place }: History, { record }: Current): CheckpointError {
  const epoch = record.claiming?.epoch ?? record.epoch
  const message = `another process claimed at the same time (claim ${epoch}). Let it lead, or claim again.`
  return new CheckpointError("CKPT_FENCED", message, { backend: place.backend })
}

/**
 * Gives the lead up: nobody leads until the next claim.
 *
 * @throws {BackendError} if the storage failed
 */
export async function release(history: History, signal: AbortSignal | undefined): Promise<void> {
  for (let changes = 0; changes < maxChanges; changes++) {
    const current = await history.current(signal)
    const { epoch, writer } = current.record
    // Whoever leads by now, it is not this store.
    if (current.lost !== undefined || epoch !== history.epoch || writer !== history.lead?.writer) return
    if ((await history.change(current, { ...current.record, writer: undefined }, signal)) !== undefined) return
  }
  throw new BackendError("transient", `${history.file.key} was changed by others each time`)
}
