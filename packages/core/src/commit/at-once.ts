import { BackendError } from "../errors.js"
import { encodeManifest } from "../format/manifest/encode.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { noPointer, type Pointer } from "../format/pointer.js"
import type { History } from "../history/history.js"
import { mayCount } from "../history/rule.js"
import type { Watch } from "../storage/attempt.js"
import type { ObjectMeta } from "../storage/backend.js"
import { acknowledge } from "./acknowledge.js"
import { settleManifest } from "./create-manifest.js"
import { settleState } from "./create-state.js"
import type { Committed, Job } from "./job.js"
import { assertDurable, conflict, unknownOutcome } from "./outcome.js"

/**
 * The commit through a backend that makes state, manifest and pointer appear together. `undefined`: the backend cannot,
 * and nothing was touched.
 */
export async function commitAtOnce(history: History, job: Job): Promise<Committed | undefined> {
  const { place, pointer } = history
  const { storage, layout } = place
  const { backend } = storage
  const { id, feed, signal } = job
  const commitOf = backend.commit
  if (commitOf === undefined) return undefined
  let manifest: CheckpointManifest | undefined
  let moved = false
  let seen: Pointer = noPointer

  const attempt = async (s: AbortSignal, watch: Watch): Promise<ObjectMeta[] | "unsupported"> => {
    const state = feed === undefined ? [] : [{ key: layout.stateKey(id), body: feed.open(watch) }]
    return await commitOf.call(
      backend,
      {
        create: [
          ...state,
          {
            key: layout.manifestKey(id),
            body: () => {
              manifest = job.manifest(feed?.info())
              return [encodeManifest(manifest)]
            },
          },
        ],
        pointer: {
          key: layout.pointerKey,
          decide(current) {
            seen = current === undefined ? noPointer : pointer.decode(current.bytes, current.version)
            moved = seen.checkpointId < id && seen.writer === undefined
            return moved ? pointer.encodeFor(seen, id) : undefined
          },
        },
      },
      { signal: s },
    )
  }

  let result: ObjectMeta[] | "unsupported"
  try {
    result = await storage.write(
      "commit",
      layout.manifestKey(id),
      signal,
      attempt,
      () => feed === undefined || feed.reopenable(),
    )
  } catch (error) {
    pointer.forget()
    if (!(error instanceof BackendError)) throw error
    return settleAtOnce(history, job, error)
  }
  if (result === "unsupported") return undefined
  pointer.forget()
  if (manifest === undefined) throw new Error(`backend ${backend.name} committed checkpoint ${id} without its manifest`)
  if (history.pointerHasRoom) pointer.assertLeads(seen)
  if (!moved && history.pointerHasRoom) return acknowledge(history, manifest, "created")
  if (!mayCount(id, seen)) throw conflict(place, id, `retention removed ids up to ${seen.floor}`)
  if (moved) seen = { ...seen, checkpointId: id }
  return { outcome: "created", isLatest: moved || seen.checkpointId === id, manifest, pointer: seen }
}

/** After a failure: another writer was first with this id, or an answer was lost. The objects that are there decide. */
async function settleAtOnce(history: History, { id, feed, manifest: complete, signal }: Job, error: BackendError) {
  const { place } = history
  if (error.kind !== "precondition" && error.kind !== "ambiguous") throw error
  if (error.unsettleable) throw unknownOutcome(place, id, error)
  await feed?.drain()
  const stateIsThere = feed === undefined || (await settleState(place, id, feed.info(), signal, error)) !== undefined
  const manifest = complete(feed?.info())
  const outcome = await settleManifest(place, manifest, encodeManifest(manifest), signal, error)
  if (stateIsThere && outcome !== "absent") {
    // A storage that refuses has found durable objects. A reading alone has not.
    if (error.kind === "ambiguous") {
      const { layout } = place
      const keys = [...(feed === undefined ? [] : [layout.stateKey(id)]), layout.manifestKey(id)]
      await assertDurable(place, id, keys, error, signal)
    }
    return acknowledge(history, manifest, outcome)
  }
  if (error.kind === "ambiguous") throw unknownOutcome(place, id, error)
  throw conflict(place, id, "another writer is writing it")
}
