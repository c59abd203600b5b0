import type { History } from "./history.js"
import { changeable, maxChanges, outpaced } from "./lead.js"

/**
 * Remembers that the checkpoint `id` was there, and is lost: its id is not given again, and recovery tells of it, as of any lost
 * checkpoint that the history names. It may still be written. Nothing is done if the next id is above it anyway.
 */
export async function rememberLost(history: History, id: number, signal: AbortSignal | undefined): Promise<void> {
  for (let changes = 0; changes < maxChanges; changes++) {
    const view = await history.look(signal)
    if (view.nextId(history.emit) > id) return
    const current = await changeable(history, signal)
    if (
      (await history.change(current, { ...current.record, top: Math.max(current.record.top, id) }, signal)) !==
      undefined
    )
      return
  }
  throw outpaced(history, "copyStore")
}
