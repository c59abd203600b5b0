import type { OwnBytes } from "../bytes/own-bytes.js"
import { CheckpointError } from "../errors.js"
import { quote, show } from "../input/show.js"

/**
 * A value as a state: its JSON, as UTF-8 bytes. `checkpoint.json()` reads it back. What JSON would change or drop is refused: a
 * `bigint`, a `Map`, a `Set`, bytes, a number that is not finite, a function, and `undefined` in an array. A property that is
 * `undefined` is left out, and `toJSON()` of an object is called, as by `JSON.stringify`: a `Date` becomes its text.
 *
 * @throws {CheckpointError} `CKPT_INVALID`, naming what cannot be written
 */
export function json(value: unknown): OwnBytes {
  let text: string
  try {
    text = JSON.stringify(value, assertKept)
  } catch (error) {
    const isTooDeep = error instanceof RangeError && error.message.includes("call stack")
    if (!(error instanceof TypeError || isTooDeep)) throw error
    throw new CheckpointError("CKPT_INVALID", `json: ${error.message.split("\n")[0]}.`, { cause: error })
  }
  return new TextEncoder().encode(text)
}

/** The objects that are read back as they were. What has a `toJSON` was replaced by its answer before. */
const kept = new Set(["Object", "Array", "Boolean", "Number", "String"])

/** Called by JSON.stringify with each value, and its holder as `this`. The holder of the whole value has it under "". */
function assertKept(this: unknown, key: string, given: unknown): unknown {
  if (given === undefined && key !== "" && !Array.isArray(this)) return undefined
  const before = (this as Record<string, unknown>)[key]
  const isKept =
    typeof given === "object"
      ? !ArrayBuffer.isView(before) &&
        !isNoNumber(before) &&
        (given === null || kept.has(Object.prototype.toString.call(given).slice(8, -1)))
      : typeof given === "string" || typeof given === "boolean" || Number.isFinite(given)
  if (isKept) return given
  const place = key === "" ? "the value" : Array.isArray(this) ? `entry ${key}` : quote(key)
  const message = `json: ${place} is ${show(before)}, which JSON cannot hold; ${adviceOn(before)}.`
  throw new CheckpointError("CKPT_INVALID", message)
}

/** A `Date` or a `Number` of which JSON makes null. */
function isNoNumber(value: unknown): boolean {
  return (value instanceof Date || value instanceof Number) && !Number.isFinite(value.valueOf())
}

function adviceOn(value: unknown): string {
  if (typeof value === "bigint") return "give String(value)"
  if (ArrayBuffer.isView(value)) return "give bytes as a state of their own, or as text in base64"
  const tag = Object.prototype.toString.call(value)
  if (tag === "[object Map]") return "give Object.fromEntries(map), or [...map]"
  if (tag === "[object Set]") return "give [...set]"
  if (tag === "[object Promise]") return "await it first"
  return "give a string, a finite number, true, false, null, an array or a plain object"
}
