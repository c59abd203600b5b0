import type { ValidationIssue } from "./format/manifest/validate.js"

/** What a store tells about itself while it works. Nothing here needs an answer; errors that do are rejections. */
export type StoreEvent =
  | {
      type: "saved"
      id: number
      outcome: "created" | "existed"
      isLatest: boolean
      stateSize: number
      elapsedMs: number
    }
  /** The pointer names a newer checkpoint, so this save did not move it (a delayed or a second writer). */
  | { type: "pointer-superseded"; id: number; current: number }
  /** The checkpoint is safe, but the pointer could not be moved; readers find the checkpoint by listing. */
  | { type: "pointer-failed"; id: number; error: unknown }
  /** The pointer holds no id that can be used; readers list instead, and the next save replaces it. */
  | { type: "pointer-unreadable"; key: string; reason: string }
  /** A request failed in a way that may pass; it is made again after `delayMs`. */
  | { type: "retry"; operation: string; key: string; attempt: number; delayMs: number; error: unknown }
  /** Recovery went past this checkpoint. */
  | { type: "skipped"; id?: number; key: string; issues: readonly ValidationIssue[] }
  | { type: "recovered"; id: number; skipped: number; elapsedMs: number }
  | { type: "updated"; id: number }
  /** A store of this process leads now; its history goes on above `from`, where claims say so. */
  | { type: "claimed"; epoch: number; from?: number }
  | { type: "pinned"; id: number; name: string }
  | { type: "unpinned"; name: string }
  | { type: "pruned"; removed: readonly number[]; failures: number }
  /** Retention after a save failed; the next run tries again. */
  | { type: "retention-failed"; error: unknown }
  | { type: "orphan-removed"; key: string; id?: number }
  /** A name under the store's prefix that is not one of ours. It is never counted and never deleted. Said once per name. */
  | { type: "foreign-key"; key: string }
  /** An id so far above the pointer that `nextId` does not go by it (a stray file must not use up the ids). */
  | { type: "id-ignored"; id: number; pointer: number }
  | { type: "manifest-warnings"; id: number; issues: readonly ValidationIssue[] }

export type Emit = (event: StoreEvent) => void

/** A listener's own error must not turn a finished save into a failed one, so it ends here. */
export function safeEmitter(listener: ((event: StoreEvent) => void) | undefined): Emit {
  if (listener === undefined) return () => {}
  return (event) => {
    try {
      const result: unknown = listener(event)
      if (result instanceof Promise) result.catch(() => {})
    } catch {}
  }
}
