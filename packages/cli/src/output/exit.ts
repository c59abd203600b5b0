import { BackendError, CheckpointError, type CheckpointErrorCode } from "@ckpt/core"

/** The exit codes, for scripts. */
export const exit = {
  /** Done, and nothing that was looked at is damaged. */
  fine: 0,
  /** Something is damaged, is not there, or was refused. */
  refused: 1,
  /** The command was written wrongly. */
  usage: 2,
  /** The storage cannot be reached, or fails. */
  unreachable: 3,
  /** Ctrl-C: 128 and the number of SIGINT. */
  interrupted: 130,
  /** SIGTERM. */
  terminated: 143,
} as const

export type ExitCode = (typeof exit)[keyof typeof exit]

const ofCode: Readonly<Record<CheckpointErrorCode, ExitCode>> = {
  CKPT_CONFLICT: exit.refused,
  CKPT_FENCED: exit.refused,
  CKPT_CORRUPT: exit.refused,
  CKPT_PRUNED: exit.refused,
  CKPT_NOT_FOUND: exit.refused,
  CKPT_UNSUPPORTED: exit.refused,
  CKPT_READ_ONLY: exit.refused,
  CKPT_CLOSED: exit.refused,
  CKPT_INVALID: exit.usage,
  CKPT_UNKNOWN_OUTCOME: exit.unreachable,
  CKPT_TIMEOUT: exit.unreachable,
  CKPT_DENIED: exit.unreachable,
  CKPT_FULL: exit.unreachable,
  CKPT_IO: exit.unreachable,
}

/** A command that was refused, or whose answer is no: the message is for people, and there is no error behind it. */
export class Refused extends Error {
  override readonly name = "Refused"
}

/** A command that was written wrongly, as the parser cannot see it. */
export class WrongUsage extends Error {
  override readonly name = "WrongUsage"
}

/** The code for an error that ends a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CheckpointError) return ofCode[error.code]
  if (error instanceof WrongUsage) return exit.usage
  return error instanceof BackendError ? exit.unreachable : exit.refused
}
