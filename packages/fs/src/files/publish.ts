import { dirname } from "node:path"
import { BackendError } from "@ckpt/core"
import { type Ending, markDoubtful, settleDoubts, UnsyncedNames, unsettleable } from "./doubts.js"
import { failure, hasErrno, isFull } from "./errors.js"
import type { FileApi } from "./file-api.js"
import { lookUp } from "./file-info.js"
import { linkFile } from "./link.js"
import type { Doubt, RootState } from "./registry.js"
import { isUnsupported, isUntried, type OpenDirectory, syncDirectory } from "./sync-directory.js"

/**
 * `link`: a file gets its name; refused if the name exists. `place`: a directory gets its name; refused if the name exists,
 * but an empty directory is replaced. `replace`: a file gets its name, whatever had it before.
 */
export interface Move {
  readonly how: "link" | "place" | "replace"
  /** For `link`: nothing has the name, and nobody who matters can take it. So where no hard link can be made a rename will do. */
  readonly weakly?: boolean
  readonly from: string
  readonly to: string
}

export interface Publication {
  readonly files: FileApi
  readonly state: RootState
  /** The name that the first move creates or replaces, for messages and doubts. */
  readonly target: string
  /** The one directory of all moves, opened beforehand: after the moves it would be too late to run out of handles. */
  readonly directory: OpenDirectory | undefined
  /** Runs under the root's lock, right before the moves. If it rejects, no move is made. */
  prepare(): Promise<readonly Move[]>
  /** Closes all that is open in what is moved; must not reject. */
  release?(): Promise<void>
  /** Runs after the moves, beside the sync; must not reject. */
  meanwhile?(): Promise<void>
}

/**
 * Makes new names visible and durable. The moves and the sync of the directory are one function, so that no caller forgets
 * the sync. From the first move on, an abort interrupts nothing. The root's lock is free during the sync: other calls may
 * move names meanwhile, and each waits for a sync of its own.
 */
export async function publish(publication: Publication): Promise<void> {
  const { files, state, directory } = publication
  const unsynced = new UnsyncedNames(dirname(publication.target))
  let moved = false
  let later: { error: unknown } | undefined
  try {
    await state.lock.run(async () => {
      for (const move of await publication.prepare()) {
        try {
          await applyClosed(publication, move)
          unsynced.add(move.to, doubtOf(move))
          moved = true
        } catch (error) {
          if (!moved) throw error
          // The first move is visible and cannot be taken back. So it is made durable, and the failure is reported then.
          later = { error }
          break
        }
      }
    })
  } catch (error) {
    unsynced.end("untried")
    // A caller that is told "it exists" may rely on that. So the name is made durable first: its writer may have been
    // killed before the sync.
    if (error instanceof BackendError && error.kind === "precondition")
      await syncFound(files, [publication.target], directory)
    throw error
  }
  const [synced] = await Promise.allSettled([directory?.sync(), publication.meanwhile?.()])
  const { isLost } = unsynced
  unsynced.end(isLost || synced.status === "rejected" ? "lost" : "synced")
  if (synced.status === "rejected" || isLost) {
    const [error, which]: [unknown, string] =
      synced.status === "rejected" ? [synced.reason, "the sync"] : [undefined, "another sync"]
    throw unsettleable(
      publication.target,
      error,
      `it is visible, but ${which} of its directory failed, so a crash may still undo it`,
    )
  }
  if (later !== undefined) {
    const cause = failure(later.error, "replace", "the pointer")
    throw new BackendError(
      "ambiguous",
      `${publication.target} was created and is durable, but the write is incomplete: ${cause.message}`,
      { cause },
    )
  }
}

/**
 * Some filesystems (9p, DrvFs, SMB) rename nothing that is open, or has open files in it. Everywhere else the files may be
 * closed later, beside the sync.
 */
async function applyClosed({ files, release }: Publication, move: Move): Promise<void> {
  try {
    await apply(files, move)
  } catch (error) {
    if (release === undefined || !hasErrno(error, "EACCES", "EBUSY", "EPERM")) throw error
    await release()
    await apply(files, move)
  }
}

async function apply(files: FileApi, move: Move): Promise<void> {
  try {
    if (move.how === "link") await link(files, move)
    else await files.rename(move.from, move.to)
  } catch (error) {
    if (error instanceof BackendError) throw error
    if (move.how === "link" && hasErrno(error, "EEXIST")) {
      if (!(await isSameFile(files, move))) throw taken(move.to, error)
    } else if (move.how === "place" && hasErrno(error, "EEXIST", "ENOTEMPTY", "ENOTDIR", "EPERM", "EACCES")) {
      // Windows answers EPERM where the directory exists. Elsewhere, EPERM and EACCES are about permissions.
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
  // If this fails, a leftover stays; the object itself is in its place.
  if (move.how === "link") await files.unlink(move.from).catch(() => undefined)
}

async function link(files: FileApi, { from, to, weakly = false }: Move): Promise<void> {
  try {
    await linkFile(files, from, to)
  } catch (error) {
    // On tmpfs a second name takes an inode, and none may be left.
    const isUnsupported = error instanceof BackendError && error.kind === "unsupported"
    if (!weakly || !(isUnsupported || isFull(error))) throw error
    await files.rename(from, to)
  }
}

/**
 * True if the name is a link to the file itself: NFS repeats a lost request, and a repeated link is answered with
 * EEXIST.
 */
async function isSameFile(files: FileApi, move: Move): Promise<boolean> {
  const [from, to] = await Promise.all([lookUp(files, move.from), lookUp(files, move.to)])
  return from !== undefined && to !== undefined && from.ino === to.ino && from.dev === to.dev
}

/**
 * True for each code with which the system refuses a link or rename before it changes anything. EIO, ETIMEDOUT and
 * ESTALE leave it open.
 */
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

/**
 * Makes names of one folder durable that are there already. Whoever finds them meanwhile waits for this sync: its failure is told once, and
 * a sync that comes after it proves nothing.
 *
 * @param directory their folder, opened
 */
export async function syncFound(
  files: FileApi,
  targets: readonly string[],
  directory: OpenDirectory | undefined,
): Promise<void> {
  const [first = ""] = targets
  const unsynced = new UnsyncedNames(dirname(first))
  let ending: Ending = "untried"
  try {
    // In one order, so that no two callers wait for each other.
    for (const target of [...targets].sort()) {
      await settleDoubts(target)
      unsynced.addFound(target)
    }
    try {
      await directory?.sync()
      // A directory that was filled file by file, and not by one rename, may have entries that are not durable.
      for (const target of targets) if ((await lookUp(files, target))?.isDirectory()) await syncDirectory(files, target)
    } catch (error) {
      if (isUntried(error) || isUnsupported(error) || hasErrno(error, "ENOENT")) throw error
      ending = "lost"
      throw unsettleable(first, error, `it exists already, but ${syncOf(targets)} failed, so a crash may still undo it`)
    }
    ending = unsynced.isLost ? "lost" : "synced"
    if (unsynced.isLost)
      throw unsettleable(first, undefined, "it exists already, but another sync of its directory failed")
  } finally {
    unsynced.end(ending)
  }
}

function syncOf({ length }: readonly string[]): string {
  return length > 1 ? `the sync of its directory, for ${length} names,` : "the sync of its directory"
}
