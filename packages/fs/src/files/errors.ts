import type { BackendErrorKind } from "@ckpt/core"
import { BackendError } from "@ckpt/core"

/**
 * The box for an error of the caller's own code (a body, a callback, the reason of an abort). In the box, its errno is not
 * mistaken for that of a file call; at the end it is handed back as it was.
 */
export class CallerError {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** Calls the caller's own code; the caller gets the error that it throws back as it is. */
export function runCallerCode<T>(code: () => T): T {
  try {
    return code()
  } catch (error) {
    throw new CallerError(error)
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CallerError(signal.reason)
}

export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || error instanceof BackendError) return undefined
  const { code } = error as { code?: unknown }
  return typeof code === "string" ? code : undefined
}

export function hasErrno(error: unknown, ...codes: string[]): boolean {
  const code = errnoOf(error)
  return code !== undefined && codes.includes(code)
}

/** No byte or no inode is left, for anybody or for this user. */
export function isFull(error: unknown): boolean {
  return hasErrno(error, "ENOSPC", "EDQUOT")
}

const kinds: Record<string, BackendErrorKind> = {
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
  ENOSPC: "full",
  EDQUOT: "full",
  EMFILE: "transient",
  ENFILE: "transient",
  EAGAIN: "transient",
  EBUSY: "transient",
  EINTR: "transient",
  ENOMEM: "transient",
  ESTALE: "transient",
  ETIMEDOUT: "transient",
  ENOTCONN: "transient",
  // Another process removed a name between two calls. Nothing was changed, and the next try starts afresh.
  ENOENT: "transient",
  ELOOP: "damaged",
  EISDIR: "damaged",
}

const advice: Record<string, string> = {
  EACCES: "Permission denied: give this user read and write access to the folder and search access to its parents.",
  EPERM: "Not permitted: check the owner and the file attributes (lsattr).",
  EROFS: "The filesystem is mounted read-only: remount it, or point the store elsewhere.",
  EMFILE: "This process has too many open files: raise `ulimit -n`, or try again when some are closed.",
  ENFILE: "The system has too many open files: try again when some are closed.",
  EAGAIN: "The system is short of resources: try again.",
  EBUSY: "The file is in use: try again.",
  EINTR: "A signal interrupted the call: try again.",
  ENOMEM: "The system is short of memory: try again.",
  ESTALE: "The server of a network filesystem knows the file no more: try again, or mount the filesystem anew.",
  ETIMEDOUT: "The server of a network filesystem did not answer: try again.",
  ENOTCONN: "The connection to the filesystem's server is lost: try again, or mount the filesystem anew.",
  ENOENT: "It was removed meanwhile: try again.",
  ELOOP: "A symbolic link is where a file belongs; links are never followed below the root.",
  ENOSPC: "No space (or no inodes) left on the device: free some, then try again.",
  EDQUOT: "The disk quota is used up: free some space or raise the quota, then try again.",
  EIO: "The device reported an input/output error: check the disk and the kernel log.",
  ENOTDIR: "Something that is not a directory is where a directory belongs: move it away.",
  EISDIR: "A directory is where a file belongs: move it away.",
  ENAMETOOLONG: "The path is too long for this filesystem: use a shorter root.",
  EXDEV: "The folder is on two filesystems: a store must be on one.",
}

const namesOnly = new Set(["rename", "link", "unlink", "rmdir", "mkdir", "lstat", "stat"])

/** What helps. The meaning of some codes depends on the call: a call that opens nothing cannot run into `ulimit -n`. */
function adviceOn(code: string, error: unknown): string | undefined {
  const { syscall } = error as NodeJS.ErrnoException
  if ((code === "EMFILE" || code === "ENFILE") && syscall !== undefined && namesOnly.has(syscall))
    return "The filesystem or its server has too many open files, not this process: try again when some are closed."
  return advice[code]
}

/**
 * Makes an error of a failed call: it names the operation, the path, the cause and the remedy. Never called for "nothing
 * there".
 */
export function failure(error: unknown, doing: string, path: string): BackendError {
  if (error instanceof BackendError) return error
  const code = errnoOf(error)
  const reason = error instanceof Error ? error.message : String(error)
  const hint = code === undefined ? undefined : adviceOn(code, error)
  const kind = (code === undefined ? undefined : kinds[code]) ?? "permanent"
  return new BackendError(kind, `could not ${doing} ${path}: ${reason}.${hint === undefined ? "" : ` ${hint}`}`, {
    cause: error,
  })
}

/** Runs one operation; it rejects with a `BackendError`, or with the error of the caller's own code. */
export async function translated<T>(doing: string, path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (error) {
    throw error instanceof CallerError ? error.error : failure(error, doing, path)
  }
}
