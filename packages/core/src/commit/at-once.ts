import { BackendError } from "../errors.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import { noPointer } from "../format/pointer.js"
import type { History } from "../history/history.js"
import type { Watch } from "../storage/attempt.js"
import type { ObjectMeta } from "../storage/backend.js"
import { createManifestObject, settleManifest } from "./create-manifest.js"
import { createState, settleState } from "./create-state.js"
import { type Committed, type Job, storedForm } from "./job.js"
import { assertDurable, conflict, unknownOutcome } from "./outcome.js"

/** `latest`: the id that the pointer names, where it was moved with the creates. */
export type Created = Pick<Committed, "manifest" | "outcome"> & { readonly latest?: number }

/**
 * The two creates of a save through a backend that makes them appear together, and moves the pointer with them. All else is
 * as for any other backend. `undefined`: the backend cannot, and nothing was touched.
 */
export async function createAtOnce(history: History, job: Job): Promise<Created | undefined> {
  const { place, pointer } = history
  const { storage, layout } = place
  const { backend } = storage
  const { id, feed, signal } = job
  const commitOf = backend.commit
  if (commitOf === undefined) return undefined
  let manifest: CheckpointManifest | undefined
  let latest = id

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
              return [storedForm(job, manifest)]
            },
          },
        ],
        pointer: {
          key: layout.pointerKey,
          decide(current) {
            const seen = current === undefined ? noPointer : pointer.decode(current.bytes, current.version)
            const saysHistory = seen.saysHistory || history.lineage !== undefined
            latest = Math.max(seen.checkpointId, id)
            return seen.checkpointId < id ? pointer.encode(seen, id, saysHistory) : undefined
          },
        },
      },
      { signal: s },
    )
  }

  try {
    const canRepeat = () => feed === undefined || feed.reopenable()
    const result = await storage.write("commit", layout.manifestKey(id), signal, attempt, canRepeat)
    if (result === "unsupported") return undefined
    if (manifest === undefined)
      throw new Error(`backend ${backend.name} committed checkpoint ${id} without its manifest`)
    pointer.forget()
    storage.noteDurable(result)
    return { manifest, outcome: "created", latest }
  } catch (error) {
    pointer.forget()
    if (!(error instanceof BackendError) || (error.kind !== "precondition" && error.kind !== "ambiguous")) throw error
    return settle(history, job, error)
  }
}

/**
 * After a refusal: something is there under this id. A state with the same bytes is taken over, as by any save; a manifest with
 * the same bytes is this checkpoint. After a lost answer, what is there decides.
 */
async function settle(history: History, job: Job, error: BackendError): Promise<Created> {
  const { place } = history
  const { id, feed, signal } = job
  if (error.unsettleable) throw unknownOutcome(place, id, error)
  await feed?.drain()
  const state = feed === undefined ? undefined : { ...feed.info() }
  const stateIsThere = state === undefined || (await settleState(place, id, state, signal, error)) !== undefined
  const manifest = job.manifest(state)
  const bytes = storedForm(job, manifest)
  if (error.kind === "precondition") {
    if (!stateIsThere && feed !== undefined) {
      if (!feed.reopenable()) throw conflict(place, id, "another writer is writing it")
      await createState(place, id, feed, signal)
    }
    return { manifest, outcome: await createManifestObject(place, manifest, bytes, signal) }
  }
  const outcome = await settleManifest(place, manifest, bytes, signal, error)
  if (!stateIsThere || outcome === "absent") throw unknownOutcome(place, id, error)
  const keys = [...(state === undefined ? [] : [place.layout.stateKey(id)]), place.layout.manifestKey(id)]
  await assertDurable(place, id, keys, error, signal)
  return { manifest, outcome }
}
