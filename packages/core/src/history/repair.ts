import { CheckpointError } from "../errors.js"
import { newHistoryId, noHistory } from "../format/history-record.js"
import type { History } from "./history.js"
import { byManifests } from "./judge.js"
import { maxChanges, outpaced } from "./lead.js"

/**
 * Builds the lost history of a store without claims anew: floor 0, no pins. Whatever manifest is there counts.
 *
 * @returns false if the history is not lost; then nothing was changed
 * @throws {CheckpointError} `CKPT_FENCED` if the manifests show that the store was claimed: then only `claim()` will do
 */
export async function repair(history: History, signal: AbortSignal | undefined): Promise<boolean> {
  // Another store may have made a history since this store has seen the pointer.
  await history.pointer.read(signal)
  const read = async () => byManifests(history.verifier, await history.lister.manifests(signal), signal)
  // The manifests may carry an epoch that the history has lost.
  if ((await history.current(signal)).lost === undefined) await read()
  for (let changes = 0; changes < maxChanges; changes++) {
    const current = await history.current(signal)
    const { lost } = current
    if (lost === undefined) return false
    // Behind the history that is replaced: another writer may have claimed and saved before that was lost.
    const { epoch } = await read()
    if (epoch > 0) {
      const message = `the manifests carry epoch ${epoch}, so this store was claimed, and a plain store cannot repair its history. Call claim().`
      throw new CheckpointError("CKPT_FENCED", message, { backend: history.place.backend })
    }
    const repaired = await history.change(current, { ...noHistory, lineage: newHistoryId() }, signal)
    if (repaired === undefined) continue
    history.emit({ type: "history-repaired", reason: lost })
    return true
  }
  throw outpaced(history, "repair")
}
