/**
 * The bytes at rest, which docs/reference.md describes: names, JSON, the pointer, the manifest. Nothing in this folder
 * touches a storage. Invariants: whatever is written here is read back equal; a name that this store would not write is
 * never taken for its own.
 */

import { CheckpointError } from "../errors.js"
import { formatId, parseId } from "./ids.js"
import { isWellFormed } from "./json.js"

/** The meaning of a key. `id` is `undefined` for a name of ours whose id is beyond 2^53 - 1. */
type KeyMeaning =
  /**
   * `taken`: a name that takes an id, but is no object of ours: an empty directory, or a file in place of a directory.
   */
  | { kind: "manifest" | "state" | "taken"; id: number | undefined }
  /** The pointer, or the history. */
  | { kind: "note" }
  | { kind: "probe" }
  | { kind: "foreign" }

/** From ids to keys and back, by pure functions. Nothing else in core knows how a key is made. */
export interface Layout {
  readonly name: LayoutName
  /** What stands before every key: empty, or segments that end in "/". */
  readonly prefix: string
  readonly pointerKey: string
  readonly historyKey: string
  /** `"json"`: an object. `"name"`: the bare name of a directory. */
  readonly pointerFormat: "json" | "name"
  /** A listing of this prefix shows every manifest. Equal to `statePrefix` if one listing shows both. */
  readonly manifestPrefix: string
  /** A listing of this prefix shows the stores of the nodes of a cluster of the reference. */
  readonly nodePrefix: string
  /** A listing of this prefix shows manifests if the folder of a store's manifests was taken for the place of the store. */
  readonly withinPrefix: string
  /** A listing of this prefix shows every state. */
  readonly statePrefix: string
  /** Of each store at least one of these prefixes shows something; of no store in the other layout does one. */
  readonly signs: readonly string[]
  manifestKey(id: number): string
  stateKey(id: number): string
  /** A key for the check that the storage honours conditions; `unique` is lower-case hexadecimal. */
  probeKey(unique: string): string
  meaning(key: string): KeyMeaning
  /** Whether keys of this layout lie in the folder, which ends in "/". */
  mayHold(folder: string): boolean
}

/**
 * How keys are made. `"objects"`: `manifests/manifest-000007.json` and `checkpoints/state-000007.bin`. `"directory"`:
 * `checkpoints/checkpoint_000007/manifest.json` and `state.bin` beside it. Both are the layouts of the reference,
 * LaminarDB.
 */
export type LayoutName = "directory" | "objects"

const probePattern = /^\.ckpt-probe-[0-9a-f]+$/

function meaningOf(kind: "manifest" | "state" | "taken", text: string | undefined): KeyMeaning {
  const id = text === undefined ? undefined : parseId(text)
  if (id === undefined) return { kind: "foreign" }
  return { kind, id: id === "unsafe" ? undefined : id }
}

/** The name of a checkpoint's directory. The pointer of the directory layout holds such a name. */
export function directoryName(id: number): string {
  return `checkpoint_${formatId(id)}`
}

function directoryLayout(prefix: string): Layout {
  const base = `${prefix}checkpoints/`
  return {
    name: "directory",
    prefix,
    pointerKey: `${base}latest.txt`,
    historyKey: `${base}history.json`,
    pointerFormat: "name",
    manifestPrefix: base,
    nodePrefix: `${prefix}nodes/`,
    withinPrefix: `${prefix}checkpoint_`,
    statePrefix: base,
    signs: [`${base}checkpoint_`, `${base}latest.txt`, `${base}history.json`],
    manifestKey: (id) => `${base}${directoryName(id)}/manifest.json`,
    stateKey: (id) => `${base}${directoryName(id)}/state.bin`,
    probeKey: (unique) => `${base}.ckpt-probe-${unique}`,
    meaning(key) {
      if (!key.startsWith(base)) return { kind: "foreign" }
      const name = key.slice(base.length)
      if (name === "latest.txt") return { kind: "note" }
      if (name === "history.json") return { kind: "note" }
      if (probePattern.test(name)) return { kind: "probe" }
      const match = /^checkpoint_(\d+)(?:\/(.*))?$/s.exec(name)
      if (match === null) return { kind: "foreign" }
      if (match[2] === "manifest.json") return meaningOf("manifest", match[1])
      if (match[2] === "state.bin") return meaningOf("state", match[1])
      return meaningOf("taken", match[1])
    },
    mayHold(folder) {
      return folder.startsWith(base) && /^(?:checkpoint_\d+\/)?$/.test(folder.slice(base.length))
    },
  }
}

function objectLayout(prefix: string): Layout {
  const manifests = `${prefix}manifests/`
  const states = `${prefix}checkpoints/`
  return {
    name: "objects",
    prefix,
    pointerKey: `${manifests}latest.json`,
    historyKey: `${manifests}history.json`,
    pointerFormat: "json",
    manifestPrefix: manifests,
    nodePrefix: `${prefix}nodes/`,
    withinPrefix: `${prefix}manifest-`,
    statePrefix: states,
    signs: [`${manifests}manifest-`, `${states}state-`, `${manifests}latest.json`, `${manifests}history.json`],
    manifestKey: (id) => `${manifests}manifest-${formatId(id)}.json`,
    stateKey: (id) => `${states}state-${formatId(id)}.bin`,
    probeKey: (unique) => `${states}.ckpt-probe-${unique}`,
    meaning(key) {
      if (key.startsWith(manifests)) {
        const name = key.slice(manifests.length)
        if (name === "latest.json") return { kind: "note" }
        if (name === "history.json") return { kind: "note" }
        return meaningOf("manifest", /^manifest-(\d+)\.json$/.exec(name)?.[1])
      }
      if (key.startsWith(states)) {
        const name = key.slice(states.length)
        if (probePattern.test(name)) return { kind: "probe" }
        return meaningOf("state", /^state-(\d+)\.bin$/.exec(name)?.[1])
      }
      return { kind: "foreign" }
    },
    mayHold(folder) {
      return folder === manifests || folder === states
    },
  }
}

// The longest key of S3, GCS and Azure has 1,024 bytes; the longest name that a layout adds to a prefix has about 60.
export const maxPrefixBytes = 960

/**
 * A prefix in its canonical form: empty, or segments that cannot lead upwards, each followed by "/".
 *
 * @throws {CheckpointError} `CKPT_INVALID` if the prefix cannot be used
 */
export function normalizePrefix(prefix: string): string {
  if (typeof prefix !== "string") throw invalidPrefix(String(prefix), "it is not a string")
  if (prefix === "") return ""
  const withSlash = prefix.endsWith("/") ? prefix : `${prefix}/`
  const reason = whyNotAPath(withSlash.slice(0, -1))
  if (reason !== undefined) throw invalidPrefix(prefix, reason)
  if (Buffer.byteLength(withSlash) > maxPrefixBytes)
    throw invalidPrefix(prefix, `it is longer than ${maxPrefixBytes} bytes`)
  return withSlash
}

/** Why a text cannot be segments with "/" between them, on every storage; `undefined` if it can. */
export function whyNotAPath(path: string): string | undefined {
  if (!isWellFormed(path)) return "it has half of a surrogate pair"
  if (/[\u0000-\u001f\u007f\\]/.test(path)) return "it has a control character or a backslash"
  // XML has no way to write them, so that S3 could neither list nor delete such a key.
  if (/[\ufffe\uffff]/.test(path)) return "it has U+FFFE or U+FFFF, which are no characters"
  for (const segment of path.split("/")) {
    if (segment === "") return 'it starts with "/" or has "//"'
    if (segment === "." || segment === "..") return `it has a "${segment}" segment`
    // Some clients decode a key once more, and an encoded dot segment then leads upwards.
    if (/^(?:\.|%2e){1,2}$/i.test(segment)) return `it has an encoded dot segment "${segment}"`
  }
  return undefined
}

function invalidPrefix(prefix: string, reason: string): CheckpointError {
  const shown = JSON.stringify(prefix.length > 80 ? `${prefix.slice(0, 80)}…` : prefix)
  return new CheckpointError(
    "CKPT_INVALID",
    `prefix ${shown} cannot be used: ${reason}. Use segments like "team/job-1/".`,
  )
}

/** The layout of that name under a prefix (see {@link normalizePrefix}). */
export function createLayout(name: LayoutName, prefix = ""): Layout {
  const root = normalizePrefix(prefix)
  if (name === "directory") return directoryLayout(root)
  if (name === "objects") return objectLayout(root)
  throw new CheckpointError("CKPT_INVALID", `layout ${JSON.stringify(name)} is unknown. Use "directory" or "objects".`)
}
