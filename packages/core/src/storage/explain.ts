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
  | `objects.${"create" | "replace" | "read" | "head" | "list" | "isDurable" | "remove"}`

/** What an operation is about: a checkpoint by its id, an object by its key, or neither. */
export type Subject = number | string | undefined

/** The details of an error about it. */
export function aboutSubject(subject: Subject): { checkpointId?: number; key?: string } {
  if (typeof subject === "number") return { checkpointId: subject }
  return subject === undefined ? {} : { key: subject }
}

/** A backend's failure as a user's error: what failed, on which storage, and what to do next. */
export function explain(backend: string, operation: Operation, subject: Subject, error: BackendError): CheckpointError {
  const of = typeof subject === "number" ? ` of checkpoint ${subject}` : subject === undefined ? "" : ` of ${subject}`
  const what = `${operation}${of}`
  const details = { ...aboutSubject(subject), backend, cause: error }
  const say = (advice: string) => `${what} failed on ${backend}: ${error.message.replace(/\.$/, "")}. ${advice}`
  if (error.kind === "damaged") {
    const advice = operation.startsWith("objects.") ? "Write it anew, or remove it." : "Use recover() to go past it."
    return new CheckpointError("CKPT_CORRUPT", say(advice), details)
  }
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
  full: { code: "CKPT_FULL", advice: "Until there is room, every write fails." },
  permanent: { code: "CKPT_IO", advice: "Mend the cause; the same call would fail again." },
} as const
