import { isDeepStrictEqual } from "node:util"
import { CheckpointError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { History } from "../history/history.js"
import type { OperationOptions, ProgressOptions } from "../options.js"
import { openFeed } from "../state/feed.js"
import { WriteProgress } from "../state/progress.js"
import type { GivenSource } from "../state/source.js"
import type { Place } from "../storage/place.js"
import { acknowledge } from "./acknowledge.js"
import { commit } from "./commit.js"
import type { Committed } from "./job.js"
import { furtherSinks } from "./sinks.js"
import { update } from "./update.js"

/** A checkpoint as it lies in another store. */
export interface Original {
  readonly manifest: CheckpointManifest
  /** The manifest's stored form. */
  readonly bytes: Uint8Array
  /** Opens the state anew, verified while it is read; `undefined` if the checkpoint has none. */
  readonly state: (() => GivenSource) | undefined
}

/**
 * Writes a checkpoint of another store under the same id: state, then manifest, as a save does. The state of a copy that is there
 * already is not read again, so a copy that was interrupted goes on where it ended.
 *
 * The manifest has the same bytes, but for the marks of claims: they tell of the other store's history, and here a reader would take
 * this history for lost. A leader puts its own mark in their place.
 *
 * A sink may have committed since the copy was made. That is recorded in the copy, as an update: it is the same checkpoint all the
 * same, and whoever recovers it here must not publish again, or go back to an older one.
 *
 * @throws {CheckpointError} `CKPT_CONFLICT` if the id has other content here; nothing is overwritten
 */
export async function copyInto(
  history: History,
  original: Original,
  { signal, onProgress }: OperationOptions & ProgressOptions,
): Promise<Committed> {
  const { place, lead, verifier } = history
  const { manifest: given } = original
  const id = given.checkpointId
  await history.probe.once(signal)
  const there = await verifier.verify(id, { depth: "shallow", signal })
  if (!there.gone) {
    if (there.manifest === undefined || !isSameCheckpoint(there.manifest, given))
      throw taken(place, id, "a checkpoint with other content is there")
    if (!there.valid) throw taken(place, id, `its copy is damaged (${there.issues[0]?.message})`)
    const manifest = await withSinksOf(history, given, there.manifest, signal)
    return acknowledge(history, { manifest, outcome: "existed" })
  }
  const isMarked = given.writer !== undefined || given.seen !== undefined
  const isSame = !isMarked && lead === undefined
  const marks = lead === undefined ? {} : { writer: { epoch: lead.epoch, id: lead.writer } }
  const manifest = isSame ? given : { ...withoutMarks(given), ...marks }
  const progress = new WriteProgress(onProgress)
  const feed = original.state && progress.watch(await openFeed(original.state, signal))
  const job = { id, feed, manifest: () => manifest, ...(isSame && { bytes: original.bytes }), signal }
  try {
    const done = await commit(history, job)
    progress.end(feed?.info())
    return done
  } finally {
    feed?.close()
  }
}

/** The copy, after every sink that has committed in the original is recorded as committed in it. */
async function withSinksOf(
  history: History,
  original: CheckpointManifest,
  copy: CheckpointManifest,
  signal: AbortSignal | undefined,
): Promise<CheckpointManifest> {
  if (isDeepStrictEqual(furtherSinks(copy, original), copy.sinkCommitStatuses)) return copy
  const change = (current: CheckpointManifest) => ({
    ...current,
    sinkCommitStatuses: furtherSinks(current, original),
  })
  const manifest = await update(history, copy.checkpointId, change, signal)
  history.emit({ type: "updated", id: copy.checkpointId })
  return manifest
}

function isSameCheckpoint(one: CheckpointManifest, other: CheckpointManifest): boolean {
  const sinkCommitStatuses = furtherSinks(one, other)
  return isDeepStrictEqual(withoutMarks({ ...one, sinkCommitStatuses }), withoutMarks({ ...other, sinkCommitStatuses }))
}

/** What a manifest says of its checkpoint: all but what leaders and updates of one store have marked it with. */
function withoutMarks({ writer: _w, seen: _s, updateToken: _u, ...rest }: CheckpointManifest): CheckpointManifest {
  return rest
}

function taken(place: Place, id: number, why: string): CheckpointError {
  const message = `checkpoint ${id} cannot be copied: ${why}. Nothing was overwritten; copy into another store or prefix.`
  return new CheckpointError("CKPT_CONFLICT", message, place.manifest(id))
}
