import type { Copied } from "../commit/copy.js"
import type { Emit } from "../events.js"

/** A checkpoint that is acknowledged. */
export interface Acknowledged extends Pick<Copied, "outcome" | "isLatest" | "latest"> {
  readonly id: number
  /** Bytes of its state. */
  readonly stateSize: number
}

/** Tells the events of a checkpoint that was saved or copied. */
export function tellSaved(emit: Emit, { id, outcome, isLatest, latest, stateSize }: Acknowledged, elapsedMs: number) {
  emit({ type: "saved", id, outcome, isLatest, stateSize, elapsedMs })
  if (latest > id) emit({ type: "pointer-superseded", id, current: latest })
}
