import { type ExitCode, exit } from "./exit.js"

/** An error of the operating system, for people. */
export interface SystemFailure {
  readonly message: string
  readonly exitCode: ExitCode
}

const full = "no room is left on a disk of this machine. Make room, or name another place (import unpacks into TMPDIR)"

/** What each code means, and what to do. */
const meanings: Readonly<Record<string, { readonly text: string; readonly exitCode?: ExitCode }>> = {
  ENOSPC: { text: full, exitCode: exit.unreachable },
  EDQUOT: { text: full, exitCode: exit.unreachable },
  EFBIG: {
    text: "the file would be larger than files may be here. Name a place on another disk",
    exitCode: exit.unreachable,
  },
  EISDIR: { text: "this is a folder, and a file is needed. Give the name of a file" },
  ENOTDIR: { text: "a part of this path is a file, where a folder is needed. Give another path" },
  ENOENT: { text: "there is no such file or folder. Compare the path, and make the folders above it" },
  EEXIST: { text: "this is there already. Give another name" },
  ENOTEMPTY: { text: "this folder is not empty. Give another name" },
  ENAMETOOLONG: { text: "the name is too long. Give a shorter one" },
  EROFS: { text: "this disk is mounted read-only. Give a place on another" },
  EACCES: { text: "this user may not. Give a place where the user may, or change the permissions" },
  EPERM: { text: "this user may not. Give a place where the user may, or change the permissions" },
}

/** What an error of a file of this machine means; `undefined` for another error. */
export function systemFailure(error: unknown): SystemFailure | undefined {
  if (!(error instanceof Error)) return undefined
  const { code = "", path, dest } = error as NodeJS.ErrnoException & { dest?: string }
  const meaning = Object.hasOwn(meanings, code) ? meanings[code] : undefined
  if (meaning === undefined) return undefined
  const where = dest ?? path
  return {
    message: `${where === undefined ? "" : `${where}: `}${meaning.text} (${code}).`,
    exitCode: meaning.exitCode ?? exit.refused,
  }
}
