import { type BackendError, CheckpointError } from "../errors.js"
import { isTimeout } from "./attempt.js"

export type Operation =
  | "save"
  | "saveNext"
  | "nextManifest"
  | "update"
  | "commitSink"
  | "copyCheckpoint"
  | "copyStore"
  | "claim"
  | "release"
  | "repair"
  | "pin"
  | "unpin"
  | "pins"
  | "leadership"
  | "remove"
  | "open"
  | "load"
  | "loadLatest"
  | "ids"
  | "list"
  | "nextId"
  | "writeState"
  | "readState"
  | "verify"
  | "recover"
  | "restore"
  | "prune"
  | "collectOrphans"
  | "findLayouts"

/** A backend's failure as a user's error: what failed, on which storage, and what to do next. */
export function explain(
  backend: string,
  operation: Operation,
  checkpointId: number | undefined,
  error: BackendError,
): CheckpointError {
  const what = checkpointId === undefined ? operation : `${operation} of checkpoint ${checkpointId}`
  const details = { checkpointId, backend: backend, cause: error }
  const say = (advice: string) => `${what} failed on ${backend}: ${error.message.replace(/\.$/, "")}. ${advice}`
  if (error.kind === "damaged") return new CheckpointError("CKPT_CORRUPT", say("Use recover() to go past it."), details)
  if (error.kind === "unsupported") {
    return new CheckpointError("CKPT_UNSUPPORTED", say("Use a storage, or a version of it, that has this."), details)
  }
  if (error.kind === "precondition") {
    return new CheckpointError(
      "CKPT_CONFLICT",
      say("Another writer changed it meanwhile; read again and decide."),
      details,
    )
  }
  if (error.kind === "fenced") {
    const advice =
      operation === "claim"
        ? "Let the other one write, or claim again once it has ended."
        : "Stop writing. To lead, call claim() and recover on the store that it gives."
    return new CheckpointError("CKPT_FENCED", say(advice), details)
  }
  const passing = error.kind === "transient" || error.kind === "ambiguous"
  if (passing && isTimeout(error)) {
    return new CheckpointError("CKPT_TIMEOUT", say("Try again, or raise timeoutMs."), { ...details, retryable: true })
  }
  const { code, advice } = meaningOf[error.kind]
  return new CheckpointError(code, say(advice), { ...details, retryable: passing })
}

const tryAgain = { code: "CKPT_IO", advice: "Try again later." } as const

const meaningOf = {
  transient: tryAgain,
  ambiguous: tryAgain,
  denied: { code: "CKPT_DENIED", advice: "Until somebody mends it, every call fails." },
  full: { code: "CKPT_FULL", advice: "Until there is room, every save fails." },
  permanent: { code: "CKPT_IO", advice: "Mend the cause; the same call would fail again." },
} as const
