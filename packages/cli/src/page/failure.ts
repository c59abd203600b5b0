import { CheckpointError } from "@ckpt/core"
import { messageOf } from "../output/text.js"

/** A failure as the page shows it: a code, a message, and what to do. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly advice: string
}

const advice: Readonly<Record<string, string>> = {
  CKPT_DENIED:
    "Give this process credentials that may list and read the store, and look again. Its bucket or container must exist.",
  CKPT_TIMEOUT: "Look again. If it stays so, ask the storage's operators, and try `ckpt doctor` on this machine.",
  CKPT_IO: "Look again. If it stays so, `ckpt doctor` says which request fails.",
  CKPT_CORRUPT: "Recovery goes past a damaged checkpoint. `ckpt recover` says which checkpoint it would take.",
  CKPT_NOT_FOUND: "Retention may have removed it. The timeline shows what is there.",
  CKPT_PRUNED: "Retention removed it while it was read. The timeline shows what is there.",
  CKPT_FENCED: "Another writer leads this store. Let it do this, or end it and claim the store with `ckpt`.",
  CKPT_READ_ONLY: "Start `ckpt serve` with --allow-writes to change stores from this page.",
  CKPT_UNSUPPORTED: "`ckpt doctor` says what this storage lacks.",
  CKPT_FULL: "Free some space, or raise the quota.",
  CKPT_CLOSED: "`ckpt serve` is ending.",
  CKPT_CONFLICT: "Somebody else was faster. Look again, and decide anew.",
}

/** The failure that an error is. Errors of our own code too: the page stays alive. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CheckpointError) {
    return { code: error.code, message: error.message, advice: advice[error.code] ?? "" }
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return {
      code: "CKPT_TIMEOUT",
      message: "The storage did not answer in time.",
      advice: advice["CKPT_TIMEOUT"] ?? "",
    }
  }
  return { code: "ERROR", message: messageOf(error), advice: "Look again." }
}
