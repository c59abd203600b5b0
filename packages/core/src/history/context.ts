import type { Mutex } from "../async/mutex.js"
import type { ExamineContext } from "../verify/read-manifest.js"
import type { Examination } from "../verify/verify.js"
import type { Surveyor } from "./listing.js"
import type { PointerFile } from "./pointer-file.js"

/** True where claims live in the pointer; elsewhere the backend itself must know them. */
export function claimsInPointer({ storage, layout }: HistoryContext): boolean {
  return storage.backend.capabilities.compareAndSwap === "storage" && layout.pointerFormat === "json"
}

export interface HistoryContext extends ExamineContext {
  readonly pointer: PointerFile
  /** Pins and removals, where the pointer cannot keep them apart. */
  readonly removals: Mutex
  readonly surveyor: Surveyor
}

export interface RetentionContext extends HistoryContext {
  /** True for a checkpoint whose state this process has found damaged: its manifest alone does not show it. */
  readonly isDistrusted: (examination: Examination) => boolean
}
