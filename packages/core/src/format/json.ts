/**
 * Exact JSON (RFC 8259): numbers keep their digits, objects keep the order of their keys. The printed form is that of
 * serde_json's `to_string_pretty`, which the reference uses.
 */

import { toUSVString } from "node:util"
import { atOnce, bytesPerTurn, type Work } from "../async/turns.js"
import { quote } from "../input/show.js"

/**
 * A number, by the digits in which it was written. Nothing is rounded; the reader of a field decides what the number
 * means.
 */
export interface JsonNumber {
  /** The digits: "1e3" stays "1e3". */
  readonly number: string
}
/** A list of values, in order. */
export type JsonArray = readonly JsonValue[]
/** Keys are in the order in which they were written. A record would move keys such as "10" to the front. */
export type JsonObject = ReadonlyMap<string, JsonValue>
/** Any value of JSON, without loss. */
export type JsonValue = null | boolean | string | JsonNumber | JsonArray | JsonObject

/** Limits of {@link parseJson}: hostile input must end in an error, not in a full heap. */
const MAX_JSON_DEPTH = 128
export const MAX_JSON_VALUES = 1_000_000

/** The place of a value in a document: keys of objects and indices of arrays, outermost first. */
export type JsonPath = readonly (string | number)[]

/** The text is not JSON, or is beyond a limit. */
export class JsonError extends Error {
  override readonly name = "JsonError"
  readonly reason: string
  /** In the form of {@link formatPath}; empty for the document itself. */
  readonly path: string
  /** Index into the text, in UTF-16 code units. Absent for an error of printing. */
  readonly offset?: number

  constructor(reason: string, path: JsonPath, offset?: number) {
    super(describe(path, offset === undefined ? reason : `${reason} (at offset ${offset})`))
    this.reason = reason
    this.path = formatPath(path)
    if (offset !== undefined) this.offset = offset
  }
}

/** A path for a message, such as `source_offsets["pg-cdc"].epoch`. Long keys are cut. */
export function formatPath(path: JsonPath): string {
  let text = ""
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`
    else if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(part)) text += `[${quote(part)}]`
    else text += text === "" ? part : `.${part}`
  }
  return text
}

/** `path: problem`; the problem alone if the path is empty. */
export function describe(path: JsonPath, problem: string): string {
  return path.length === 0 ? problem : `${formatPath(path)}: ${problem}`
}

/**
 * False for a string with a lone surrogate, which has no form in UTF-8. (`String.isWellFormed` is not in every
 * supported lib.)
 */
export function isWellFormed(text: string): boolean {
  return toUSVString(text) === text
}

export function isJsonObject(value: unknown): value is JsonObject {
  return value instanceof Map
}

export function isJsonNumber(value: unknown): value is JsonNumber {
  return typeof value === "object" && value !== null && typeof (value as Partial<JsonNumber>).number === "string"
}

/**
 * Reads one JSON document. Stricter than `JSON.parse`. Errors are also: a key that occurs twice in an object, a lone
 * surrogate, a byte order mark, nesting beyond {@link MAX_JSON_DEPTH}, and more than {@link MAX_JSON_VALUES} values.
 *
 * @throws {JsonError} with path and offset
 */
export function parseJson(text: string): JsonValue {
  return atOnce(parsingJson(text))
}

/** {@link parseJson} as work with pauses. */
export function parsingJson(text: string): Work<JsonValue> {
  return new Parser(text).document()
}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const wholeNumberPattern = new RegExp(`^${numberPattern.source}$`)
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** An object or array whose end has not been read yet. */
interface Open {
  readonly value: Map<string, JsonValue> | JsonValue[]
  readonly close: "}" | "]"
  /** The key or index of the value that is read now. */
  part: string | number | undefined
}

class Parser {
  private readonly text: string
  private readonly open: Open[] = []
  private at = 0
  private values = 0
  private pauseAt = bytesPerTurn

  constructor(text: string) {
    this.text = text
  }

  *document(): Work<JsonValue> {
    if (!isWellFormed(this.text)) this.fail("lone surrogate")
    this.skipSpace()
    let document = this.advance()
    for (; document === undefined; document = this.advance()) {
      this.pauseAt = this.at + bytesPerTurn
      yield
    }
    this.skipSpace()
    if (this.at < this.text.length) this.fail(`${this.found()} after the end of the document`)
    return document
  }

  /** Reads on, up to the next pause: then `undefined`. Gives the document at its end. No recursion, so it can be left anywhere. */
  private advance(): JsonValue | undefined {
    while (this.at < this.pauseAt) {
      let value = this.value()
      if (value === undefined) continue
      // Each value that has ended may end the containers around it.
      for (;;) {
        const inner = this.open.at(-1)
        if (inner === undefined) return value
        if (inner.value instanceof Map) inner.value.set(inner.part as string, value)
        else inner.value.push(value)
        inner.part = undefined
        if (this.take(",")) {
          this.member(inner)
          break
        }
        if (!this.take(inner.close)) this.fail(`expected "," or "${inner.close}", found ${this.found()}`)
        this.open.pop()
        value = inner.value
      }
    }
    return undefined
  }

  /** One value; `undefined` if it is a container that has members, which come next. */
  private value(): JsonValue | undefined {
    if (++this.values > MAX_JSON_VALUES) this.fail(`more than ${MAX_JSON_VALUES} values`)
    const { text } = this
    switch (text[this.at]) {
      case "{":
        return this.container({ value: new Map(), close: "}", part: undefined })
      case "[":
        return this.container({ value: [], close: "]", part: undefined })
      case '"':
        return this.string()
      case "t":
        return this.word("true", true)
      case "f":
        return this.word("false", false)
      case "n":
        return this.word("null", null)
      default: {
        numberPattern.lastIndex = this.at
        if (!numberPattern.test(text)) this.fail(`expected a value, found ${this.found()}`)
        const number = text.slice(this.at, numberPattern.lastIndex)
        this.at = numberPattern.lastIndex
        return { number }
      }
    }
  }

  private container(opened: Open): JsonValue | undefined {
    if (this.open.length >= MAX_JSON_DEPTH) this.fail(`nested deeper than ${MAX_JSON_DEPTH}`)
    this.at++
    if (this.take(opened.close)) return opened.value
    this.open.push(opened)
    this.member(opened)
    return undefined
  }

  /** What comes before a value in a container: white space, and its key in an object. */
  private member(inner: Open): void {
    this.skipSpace()
    if (!(inner.value instanceof Map)) {
      inner.part = inner.value.length
      return
    }
    if (this.text[this.at] !== '"') this.fail(`expected a key, found ${this.found()}`)
    const start = this.at
    const key = this.string()
    if (inner.value.has(key)) this.fail(`duplicate key ${quote(key)}`, start)
    inner.part = key
    if (!this.take(":")) this.fail(`expected ":", found ${this.found()}`)
    this.skipSpace()
  }

  private string(): string {
    const { text } = this
    const start = this.at
    let escaped = false
    let end = start + 1
    for (; ; end++) {
      if (end >= text.length) this.fail("unterminated string", start)
      const unit = text.charCodeAt(end)
      if (unit === QUOTE) break
      if (unit < 0x20) this.fail("control character in a string", end)
      if (unit === BACKSLASH) {
        escaped = true
        end++
      }
    }
    this.at = end + 1
    if (!escaped) return text.slice(start + 1, end)
    try {
      const value = JSON.parse(text.slice(start, end + 1)) as string
      if (isWellFormed(value)) return value
    } catch {
      this.fail("bad escape in a string", start)
    }
    return this.fail("lone surrogate", start)
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail(`expected a value, found ${this.found()}`)
    this.at += word.length
    return value
  }

  private take(token: string): boolean {
    this.skipSpace()
    if (this.text[this.at] !== token) return false
    this.at++
    return true
  }

  private skipSpace(): void {
    for (; ; this.at++) {
      const unit = this.text.charCodeAt(this.at)
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return
    }
  }

  private found(): string {
    const point = this.text.codePointAt(this.at)
    if (point === undefined) return "the end"
    if (point > 0x20 && point < 0x7f) return `"${String.fromCodePoint(point)}"`
    return `U+${point.toString(16).toUpperCase().padStart(4, "0")}`
  }

  private fail(reason: string, offset = this.at): never {
    const path = this.open.map(({ part }) => part).filter((part) => part !== undefined)
    throw new JsonError(reason, path, offset)
  }
}

/**
 * Prints as serde_json's `to_string_pretty` does: indented by two spaces, an empty object as `{}`, an empty array as
 * `[]`, no newline at the end. The limits are those of {@link parseJson}, so whatever is printed can be read.
 *
 * @throws {JsonError} for a lone surrogate, a value that is no {@link JsonValue}, nesting or a number of
 *   values beyond the limits, or more than `maxLength` characters
 */
export function printJson(value: JsonValue, maxLength = Number.MAX_SAFE_INTEGER): string {
  return new Printer(maxLength).document(value)
}

class Printer {
  private readonly maxLength: number
  private readonly parts: string[] = []
  private readonly path: (string | number)[] = []
  private length = 0
  private values = 0

  constructor(maxLength: number) {
    this.maxLength = maxLength
  }

  document(value: JsonValue): string {
    this.value(value)
    return this.parts.join("")
  }

  private value(value: JsonValue): void {
    if (++this.values > MAX_JSON_VALUES) this.fail(`more than ${MAX_JSON_VALUES} values`)
    if (value === null || typeof value === "boolean") this.emit(String(value))
    else if (typeof value === "string") this.string(value)
    else if (isJsonObject(value)) this.container("{", value, "}")
    else if (Array.isArray(value)) this.container("[", value.entries(), "]")
    else if (isJsonNumber(value) && wholeNumberPattern.test(value.number)) this.emit(value.number)
    else this.fail("not a JSON value")
  }

  private container(open: string, members: Iterable<[string | number, JsonValue]>, close: string): void {
    if (this.path.length >= MAX_JSON_DEPTH) this.fail(`nested deeper than ${MAX_JSON_DEPTH}`)
    const indent = `\n${"  ".repeat(this.path.length)}`
    let separator = open
    for (const [key, member] of members) {
      this.emit(`${separator}${indent}  `)
      separator = ","
      this.path.push(key)
      if (typeof key === "string") {
        this.string(key)
        this.emit(": ")
      }
      this.value(member)
      this.path.pop()
    }
    this.emit(separator === open ? open + close : indent + close)
  }

  private string(text: string): void {
    if (text.length > this.maxLength) this.tooLong()
    if (!isWellFormed(text)) this.fail("lone surrogate")
    this.emit(JSON.stringify(text))
  }

  private emit(text: string): void {
    this.length += text.length
    if (this.length > this.maxLength) this.tooLong()
    this.parts.push(text)
  }

  private tooLong(): never {
    return this.fail(`longer than ${this.maxLength} characters`)
  }

  private fail(reason: string): never {
    throw new JsonError(reason, this.path)
  }
}
