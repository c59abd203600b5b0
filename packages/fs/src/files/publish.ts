import { BackendError } from "@ckpt/core"
import { clearReplaced, markDoubtful } from "./doubts.js"
import { errnoOf, failure, hasErrno } from "./errors.js"
import type { FileApi, OpenFile } from "./file-api.js"
import { lookUp } from "./file-info.js"
import type { Doubt, RootState } from "./registry.js"
import { syncDirectory } from "./sync-directory.js"

/**
 * `link`: a file that nobody has yet; refused if the name exists. `place`: a directory likewise (an empty one is
 * replaced). `replace`: a file, whatever was there.
 */
export interface Move {
  readonly how: "link" | "place" | "replace"
  readonly from: string
  readonly to: string
}

export interface Publication {
  readonly files: FileApi
  readonly state: RootState
  /** What the first move creates or replaces, for messages, and for doubts. */
  readonly target: string
  /** The one directory in which all moves happen, opened beforehand: running out of handles now would come too late. */
  readonly directory: OpenFile | undefined
  /** Runs under the root's lock, right before the moves; what it rejects with ends it, and nothing has happened. */
  prepare(): Promise<readonly Move[]>
  /** Goes on beside the sync, once the moves are made; does not reject. */
  meanwhile?(): Promise<void>
}

/**
 * Makes new names visible, and durable: the moves and the directory's sync are one function, so that nobody can forget
 * half. From the first move on nothing is interrupted. Other calls may pass between the moves and the sync; each waits
 * for its own.
 */
export async function publish(publication: Publication): Promise<void> {
  const { files, state, directory } = publication
  const done: Move[] = []
  let later: { error: unknown } | undefined
  try {
    await state.lock.run(async () => {
      for (const move of await publication.prepare()) {
        try {
          await apply(files, move)
          done.push(move)
        } catch (error) {
          if (done.length === 0) throw error
          // The first move is visible, and the rest cannot be taken back either: make durable what there is, then say so.
          later = { error }
          break
        }
      }
    })
  } catch (error) {
    // Who is told that something is there may rely on it, so it is made durable first: its writer may have been killed
    // before its own sync.
    if (error instanceof BackendError && error.kind === "precondition") await syncFound(publication)
    throw error
  }
  const [synced] = await Promise.allSettled([directory?.sync(), publication.meanwhile?.()])
  if (synced.status === "rejected") {
    const error: unknown = synced.reason
    for (const move of done) markDoubtful(move.to, doubtOf(move))
    throw unsettleable(
      publication.target,
      error,
      "it is visible, but the sync of its directory failed, so a crash may still undo it",
    )
  }
  for (const move of done) if (move.how === "replace") clearReplaced(move.to)
  if (later !== undefined) {
    const cause = failure(later.error, "replace", "the pointer")
    throw new BackendError(
      "ambiguous",
      `${publication.target} was created and is durable, but not all that goes with it: ${cause.message}`,
      { cause },
    )
  }
}

async function apply(files: FileApi, move: Move): Promise<void> {
  try {
    if (move.how === "link") await files.link(move.from, move.to)
    else await files.rename(move.from, move.to)
  } catch (error) {
    if (move.how === "link" && hasErrno(error, "EEXIST")) {
      if (!(await isSameFile(files, move))) throw taken(move.to, error)
    } else if (move.how === "place" && hasErrno(error, "EEXIST", "ENOTEMPTY", "ENOTDIR", "EPERM", "EACCES")) {
      // Windows says EPERM for a directory that exists; elsewhere EPERM and EACCES are what they say.
      if (
        hasErrno(error, "EPERM", "EACCES") &&
        (process.platform !== "win32" || (await lookUp(files, move.to)) === undefined)
      )
        throw error
      throw taken(move.to, error)
    } else if (changedNothing(error)) {
      throw error
    } else {
      markDoubtful(move.to, doubtOf(move))
      throw unsettleable(
        move.to,
        error,
        `the ${move.how === "link" ? "link" : "rename"} failed in a way that leaves open whether it happened`,
      )
    }
  }
  // A leftover at worst: the object itself is in its place.
  if (move.how === "link") await files.unlink(move.from).catch(() => undefined)
}

/** NFS sends a lost request again, and the second answer to a link that succeeded is EEXIST. */
async function isSameFile(files: FileApi, move: Move): Promise<boolean> {
  const [from, to] = await Promise.all([lookUp(files, move.from), lookUp(files, move.to)])
  return from !== undefined && to !== undefined && from.ino === to.ino && from.dev === to.dev
}

/** Of a rename or link, all that the system refuses before it touches anything. EIO, ETIMEDOUT, ESTALE leave it open. */
function changedNothing(error: unknown): boolean {
  return hasErrno(
    error,
    ...[
      "EACCES",
      "EPERM",
      "EROFS",
      "ENOSPC",
      "EDQUOT",
      "ENOENT",
      "ENOTDIR",
      "EISDIR",
      "ENOTEMPTY",
      "EEXIST",
      "EMLINK",
      "EXDEV",
    ],
    ...[
      "EBUSY",
      "EINVAL",
      "ELOOP",
      "ENAMETOOLONG",
      "ENOTSUP",
      "EOPNOTSUPP",
      "ENOSYS",
      "ENOMEM",
      "EMFILE",
      "ENFILE",
      "EAGAIN",
    ],
  )
}

function doubtOf(move: Move): Doubt {
  return move.how === "replace" ? "replaced" : "created"
}

function taken(path: string, cause: unknown): BackendError {
  return new BackendError("precondition", `${path} exists already; it was left as it is.`, { cause })
}

async function syncFound({ files, directory, target }: Publication): Promise<void> {
  try {
    await directory?.sync()
    // A directory that was filled file by file, not by one rename, has entries of its own that may not be durable.
    if ((await lookUp(files, target))?.isDirectory()) await syncDirectory(files, target)
  } catch (error) {
    if (hasErrno(error, "EMFILE", "ENFILE", "ENOENT")) throw error
    markDoubtful(target, "created")
    throw unsettleable(
      target,
      error,
      "something is there, but the sync of its directory failed, so a crash may still undo it",
    )
  }
}

function unsettleable(path: string, cause: unknown, why: string): BackendError {
  const code = errnoOf(cause)
  const message = `cannot confirm the write to ${path}: ${why}${code === undefined ? "" : ` (${code})`}. Check the disk, then restart the process.`
  return new BackendError("ambiguous", message, { cause, unsettleable: true })
}
