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

/** A checkpoint as it lies in another store. */
export interface Original {
  readonly manifest: CheckpointManifest
  /** The manifest's stored form. */
  readonly bytes: Uint8Array
  /** Opens the state anew, verified while it is read; `undefined` if the checkpoint has none. */
  readonly state: (() => GivenSource) | undefined
}

/**
 * Writes a checkpoint of another store under the same id: state, then manifest, as a save does. A copy that is there already is
 * not read again, so a copy that was interrupted goes on where it ended.
 *
 * The manifest has the same bytes, but for the marks of claims: they tell of the other store's history, and here a reader would take
 * this history for lost. A leader puts its own mark in their place.
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
    if (there.manifest === undefined || !isDeepStrictEqual(withoutMarks(there.manifest), withoutMarks(given)))
      throw taken(place, id, "a checkpoint with other content is there")
    if (!there.valid) throw taken(place, id, `its copy is damaged (${there.issues[0]?.message})`)
    return acknowledge(history, { manifest: there.manifest, outcome: "existed" })
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

/** What a manifest says of its checkpoint: all but what leaders and updates of one store have marked it with. */
function withoutMarks({ writer: _w, seen: _s, updateToken: _u, ...rest }: CheckpointManifest): CheckpointManifest {
  return rest
}

function taken(place: Place, id: number, why: string): CheckpointError {
  const message = `checkpoint ${id} cannot be copied: ${why}. Nothing was overwritten; copy into another store or prefix.`
  return new CheckpointError("CKPT_CONFLICT", message, place.manifest(id))
}
