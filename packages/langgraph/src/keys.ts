// Where things lie. Under the saver's prefix:
//
//   c/{thread}/{namespace}/{checkpoint}.c              a checkpoint, written last
//   c/{thread}/{namespace}/{checkpoint}.w.{task}.{n}   writes of a task; of several objects the later counts more
//   v/{thread}/{day}/{hash}                            a piece of a channel's value, which several checkpoints may share
//
// The names of checkpoints descend with their ids, so the latest comes first, with its writes behind it.
import { createHash } from "node:crypto"
import { CheckpointError } from "@ckpt/core"
import { show } from "@ckpt/core/adapter"

/** A thread's namespace, as its user names it. */
export interface Place {
  readonly threadId: string
  readonly checkpointNs: string
}

// With them, names between slashes stay below 240 bytes.
const mostNameBytes = 80
const mostIdBytes = 64

/**
 * A name for any text, never the same for two. `a` to `z`, digits and "-" stand for themselves, each other byte as "_" and two digits:
 * filesystems that fold case keep "A" and "a" apart. A longer text is told by its hash; the object has the text.
 */
export function nameOf(text: string): string {
  if (text === "") return "_"
  let name = ""
  for (const byte of Buffer.from(text)) {
    const sign = String.fromCharCode(byte)
    name += /[a-z0-9-]/.test(sign) ? sign : `_${hex(byte)}`
  }
  // A surrogate without its partner has no bytes of its own. JSON escapes it.
  return name.length <= mostNameBytes && Buffer.from(text).toString() === text
    ? name
    : `__${sha256(Buffer.from(JSON.stringify(text)))}`
}

/** The text that a name stands for; `undefined` for a hash, and for a name that is none of ours. */
export function textOf(name: string): string | undefined {
  if (name === "_") return ""
  const bytes = name.replaceAll(/_([0-9a-f]{2})/g, (_, byte) => String.fromCharCode(Number.parseInt(byte, 16)))
  const text = Buffer.from(bytes, "latin1").toString()
  return nameOf(text) === name ? text : undefined
}

/** A name that is less the greater the id is. The "z" behind it is greater than any digit, so the longer of two ids comes first. */
export function descending(checkpointId: string): string {
  const bytes = Buffer.from(checkpointId)
  if (bytes.length === 0 || bytes.length > mostIdBytes || bytes.toString() !== checkpointId) {
    const give = `give a text of 1 to ${mostIdBytes} bytes, such as LangGraph makes`
    throw new CheckpointError("CKPT_INVALID", `The checkpoint's id is ${show(checkpointId)}; ${give}.`)
  }
  return `${[...bytes].map((byte) => hex(255 - byte)).join("")}z`
}

/** The id behind a name; `undefined` if there is none. */
export function idOf(name: string): string | undefined {
  if (!/^([0-9a-f]{2})+z$/.test(name)) return undefined
  return Buffer.from(name.slice(0, -1), "hex")
    .map((byte) => 255 - byte)
    .toString()
}

export const allCheckpoints = "c/"
export const allPieces = "v/"
export const checkpointsOf = (threadId: string): string => `c/${nameOf(threadId)}/`
export const piecesOf = (threadId: string): string => `v/${nameOf(threadId)}/`
export const folderOf = ({ threadId, checkpointNs }: Place): string =>
  `${checkpointsOf(threadId)}${nameOf(checkpointNs)}/`
/** The key of a checkpoint, without its ending. */
export const baseOf = (place: Place, checkpointId: string): string => folderOf(place) + descending(checkpointId)

export const checkpointKey = (base: string): string => `${base}.c`
/** The beginning of all keys of a checkpoint. */
export const allOf = (base: string): string => `${base}.`
export const writesPrefix = (base: string): string => `${base}.w.`
export const taskPrefix = (base: string, taskId: string): string => `${base}.w.${nameOf(taskId)}.`
export const writesKey = (base: string, taskId: string, number: number): string =>
  `${taskPrefix(base, taskId)}${String(number).padStart(6, "0")}`
/** Behind all that belongs to a checkpoint. */
export const behind = (base: string): string => `${base}/`

export const pieceKey = (threadId: string, day: number, hash: string): string =>
  `${piecesOf(threadId)}${String(day).padStart(6, "0")}/${hash}`

/** The number of an object of writes. */
export const numberOf = (key: string): number => Number(key.slice(key.lastIndexOf(".") + 1))

/** The day of a piece's key; `NaN` for what is none of ours, such as the objects of a store whose prefix begins with "v/". */
export const dayOf = (key: string): number =>
  Number(/^v\/[^/]+\/(\d{6})\/(?:[0-9a-f]{64}|now-[0-9a-f-]+)$/.exec(key)?.[1] ?? Number.NaN)

/** What a name says. */
export interface ParsedKey {
  /** All before ".c" or ".w.". */
  readonly base: string
  readonly checkpointId: string
  readonly isCheckpoint: boolean
}

/** What the key of a checkpoint or of writes says; `undefined` if it is neither. */
export function parseKey(key: string): ParsedKey | undefined {
  const [, base = "", name = "", kind] = /^(c\/[^/]+\/[^/]+\/([^/.]+))\.(c$|w\.[^/.]+\.\d+$)/.exec(key) ?? []
  const checkpointId = idOf(name)
  return checkpointId === undefined ? undefined : { base, checkpointId, isCheckpoint: kind === "c" }
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0")
}
