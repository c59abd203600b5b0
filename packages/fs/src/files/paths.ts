import { randomUUID } from "node:crypto"
import { sep } from "node:path"
import { BackendError } from "@ckpt/core"
import { lifeOf, processTag, processTagPattern } from "./process-identity.js"

/**
 * Temporary names, which only this package makes: hidden from `list`, refused in keys, found by `leftovers`. They end with the
 * process that made them, where the system tells it.
 */
const temporaryName = new RegExp(
  `^\\.(?:tmp|stage|latest|writer)-[0-9a-f]{16}(?:_(?<writer>${processTagPattern.source}))?$`,
)

/** The folder of the claims, in the folder of a store's prefix: hidden from `list`, refused in keys. */
export const claimsName = ".claims"

/** A file in the root that keeps room for a full disk (spare.ts): hidden from `list`, refused in keys. */
export const spareName = ".ckpt-spare"

export type TemporaryKind = "tmp" | "stage" | "latest" | "writer"

export function isTemporaryName(name: string): boolean {
  return temporaryName.test(name)
}

/** Random, so that two processes never take the same name, and nobody can plant a link at a name known beforehand. */
export function newTemporaryName(kind: TemporaryKind): string {
  const tag = processTag()
  return `.${kind}-${randomUUID().replaceAll("-", "").slice(16)}${tag === undefined ? "" : `_${tag}`}`
}

/** The sign that a process writes here. Unlike other temporary names it is in use for as long as its process lives. */
export function isWriterSign(name: string): boolean {
  return name.startsWith(".writer-") && isTemporaryName(name)
}

/** What is known of the process that made a temporary name. */
export function writerOf(name: string): ReturnType<typeof lifeOf> {
  return lifeOf(temporaryName.exec(name)?.groups?.["writer"] ?? "")
}

/** Appends one checked name. `path.join` would climb out of the root on "..". */
export function at(directory: string, name: string): string {
  return directory.endsWith(sep) ? directory + name : directory + sep + name
}

const windowsReserved = /[<>:"|?*]|[. ]$|^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i

/** Why a name cannot be one segment of a key here; `undefined` if it can. */
export function whyNotAName(name: string, platform: string = process.platform): string | undefined {
  if (name === "") return "it has an empty segment (a leading, trailing or double slash)"
  if (name === "." || name === "..") return `it has the segment "${name}"`
  if (/[\u0000-\u001f\u007f]/.test(name)) return "it has a control character"
  if (name.includes("\\")) return "it has a backslash"
  if (/\p{Surrogate}/u.test(name)) return "it has a lone surrogate, which no file name can hold"
  if (Buffer.byteLength(name) > 255) return "it has a segment of more than 255 bytes"
  if (isTemporaryName(name)) return "it has a segment that is a temporary name of this package"
  // Upper and lower case are the same here, as they are on some filesystems.
  const lower = name.toLowerCase()
  if (lower === claimsName) return `it has the segment ${claimsName}, where this package keeps its claims`
  if (lower === spareName) return `it has the segment ${spareName}, the file that keeps room for a full disk`
  if (platform === "win32" && windowsReserved.test(name)) return "it has a name or character that Windows reserves"
  return undefined
}

function refused(what: string, text: string, why: string): BackendError {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text
  return new BackendError("permanent", `cannot use the ${what} ${JSON.stringify(shown)}: ${why}. Use another ${what}.`)
}

/** The segments of a key. Nothing is decoded: "%2e%2e" is an ordinary name. */
export function keySegments(key: string): string[] {
  const segments = key.split("/")
  for (const segment of segments) {
    const why = whyNotAName(segment)
    if (why !== undefined) throw refused("key", key, why)
  }
  return segments
}

/** The whole folders of a prefix. A prefix is text: whole folders, then the beginning of a name (maybe ""). */
export function prefixFolders(prefix: string): string[] {
  const folders = prefix.split("/").slice(0, -1)
  for (const folder of folders) {
    const why = whyNotAName(folder)
    if (why !== undefined) throw refused("prefix", prefix, why)
  }
  return folders
}
