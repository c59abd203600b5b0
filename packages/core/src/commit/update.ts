import { BackendError, CheckpointError } from "../errors.js"
import { newToken } from "../format/ids.js"
import { checkManifest } from "../format/manifest/check.js"
import { encodeManifest } from "../format/manifest/encode.js"
import type { CheckpointManifest } from "../format/manifest/model.js"
import type { History } from "../history/history.js"
import { countsAs } from "../history/rule.js"
import { bytesBody } from "../storage/storage.js"
import { conflict, unknownOutcome } from "./outcome.js"

export type Change = (current: CheckpointManifest) => CheckpointManifest

// Each lost swap is another writer's finished update.
const maxSwaps = 64

/** What an update may not touch: it says what the state is, and a wrong word would make a good checkpoint invalid. */
function keepIntegrity(
  current: CheckpointManifest,
  changed: CheckpointManifest,
  updateToken: string,
): CheckpointManifest {
  const { stateSize: _s, operatorChecksums: _o, writer: _w, ...rest } = changed
  return {
    ...rest,
    version: current.version,
    stateChecksum: current.stateChecksum,
    ...(current.stateSize === undefined ? {} : { stateSize: current.stateSize }),
    ...(current.operatorChecksums === undefined ? {} : { operatorChecksums: current.operatorChecksums }),
    ...(current.writer === undefined ? {} : { writer: current.writer }),
    updateToken,
  }
}

/**
 * Replaces a manifest by compare-and-swap. `change` is called with what is stored, again after each lost race, so
 * concurrent updates all take effect. The pointer is left alone.
 */
export async function update(
  history: History,
  id: number,
  change: Change,
  signal: AbortSignal | undefined,
): Promise<CheckpointManifest> {
  const { place, verifier } = history
  const { storage, layout } = place
  const key = layout.manifestKey(id)
  const tokens = new Set<string>()
  const lostAnswers = storage.lostAnswers(key)
  let lost: BackendError | undefined
  let unclear = false
  for (let swaps = 0; swaps < maxSwaps; swaps++) {
    // In this order: a pointer from before a claim, with a manifest from after the claim's mark, would let a late update pass.
    const read = async () => {
      const found = await verifier.manifest(id, signal)
      return { found, pointer: history.isTold ? await history.pointer.read(signal) : undefined }
    }
    const { found, pointer } = await read().catch((error: unknown) => {
      // Whether the swap before took effect cannot be read, so it is not known.
      throw unclear && error instanceof BackendError ? unknownOutcome(history.place, id, lost ?? error) : error
    })
    lost = undefined
    if (pointer !== undefined) history.pointer.assertLeads(pointer)
    if (found === undefined || (pointer !== undefined && !countsAs(id, found.manifest?.writer?.epoch, pointer))) {
      const message = `checkpoint ${id} does not exist${tokens.size > 0 ? " any more" : ""}, so it cannot be updated.`
      throw new CheckpointError("CKPT_NOT_FOUND", message, place.manifest(id))
    }
    const current = found.manifest
    if (current === undefined || found.meta === undefined) {
      const message = `checkpoint ${id} is damaged and cannot be updated: ${found.issues[0]?.message}. Use recover().`
      throw new CheckpointError("CKPT_CORRUPT", message, place.manifest(id))
    }
    // An earlier swap of ours whose answer was lost did land.
    if (current.updateToken !== undefined && tokens.has(current.updateToken)) return current

    const token = newToken()
    const changed = change(current)
    if (typeof changed !== "object" || changed === null || "then" in changed) {
      throw new CheckpointError(
        "CKPT_INVALID",
        "update: the change must return the new manifest at once, not a promise.",
        { checkpointId: id },
      )
    }
    if (changed.checkpointId !== id) {
      const message = `update: the change gave checkpointId ${changed.checkpointId}; it must stay ${id}.`
      throw new CheckpointError("CKPT_INVALID", message, { checkpointId: id })
    }
    // Checked and copied: what is returned is what a load would give, whatever the caller does with its own object.
    const next = checkManifest(keepIntegrity(current, changed, token))
    const bytes = encodeManifest(next)
    const before = new Set(verifier.validate(current, { expectedId: id }).map((issue) => issue.code))
    const broken = verifier
      .validate(next, { expectedId: id })
      .find((i) => i.severity === "fatal" && !before.has(i.code))
    if (broken !== undefined) {
      throw new CheckpointError(
        "CKPT_INVALID",
        `update: checkpoint ${id} would not verify: ${broken.message}. Nothing was written; correct the manifest.`,
        {
          checkpointId: id,
        },
      )
    }
    tokens.add(token)
    try {
      await storage.put(key, bytesBody(bytes), { when: { version: found.meta.version }, signal })
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof BackendError)) throw error
      if (error.kind === "precondition") continue
      if (error.kind !== "ambiguous") throw unclear ? unknownOutcome(history.place, id, error) : error
      if (!(await lostAnswers.tryAgain(error, signal))) throw unknownOutcome(history.place, id, error)
      lost = error
      unclear = true
      continue
    }
    await assertStillLeads(history, id, signal)
    return next
  }
  throw conflict(place, id, `${maxSwaps} other updates came first`)
}

/** Who leads is asked again after the swap: an acknowledgement must not follow the claim of another. */
async function assertStillLeads(history: History, id: number, signal: AbortSignal | undefined): Promise<void> {
  if (history.leader === undefined) return
  const pointer = await history.pointer.read(signal).catch((error: unknown) => {
    // The change is there; whether it counts could not be read.
    throw error instanceof BackendError ? unknownOutcome(history.place, id, error) : error
  })
  history.pointer.assertLeads(pointer)
}
