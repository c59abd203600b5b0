/**
 * What the reference says of a fixture, read without rounding and without core's own reader, which is what is tested.
 * Integers are marked before `JSON.parse` sees them, in the text and outside of its strings, since the parse rounds
 * them. `JSON.rawJSON` and a reviver's source text are not in Node 20.
 */

/** An integer, as it was written. */
interface Int {
  readonly int: string
}

export interface ExpectedCheckpoint {
  readonly id: Int
  readonly valid: boolean
  readonly issues: readonly { readonly fatal: boolean; readonly message: string }[]
  /** As at rest, with defaults filled in; `null` if there is none. */
  readonly manifest: ExpectedFields | null
  readonly state_len: Int | null
  readonly state_sha256: string | null
}

export interface ExpectedStore {
  readonly checkpoints: readonly ExpectedCheckpoint[]
  readonly latest: Int
  readonly list: readonly (readonly [id: Int, epoch: Int])[]
  readonly list_ids: readonly Int[]
  readonly recovery: {
    readonly chosen_id: Int
    readonly examined: Int
    readonly skipped: readonly (readonly [id: Int, reason: string])[]
  }
}

type ExpectedValue = null | boolean | string | Int | readonly ExpectedValue[] | ExpectedFields
export interface ExpectedFields {
  readonly [name: string]: ExpectedValue
}

// A string, so that digits in it are left alone, or an integer.
const stringOrInteger = /"(?:[^"\\]|\\.)*"|-?\d+/g

export function parseExpected(text: string): ExpectedStore {
  return markIntegers(text) as ExpectedStore
}

function markIntegers(text: string): unknown {
  return JSON.parse(text.replace(stringOrInteger, (found) => (found.startsWith('"') ? found : `{"int":"${found}"}`)))
}

function isInt(value: ExpectedValue): value is Int {
  return typeof value === "object" && value !== null && "int" in value && typeof value.int === "string"
}

const bigints = new Set(["watermark", "pipeline_hash", "source_watermarks"])
const maps = new Set(["source_offsets", "sink_epochs", "sink_commit_statuses", "table_offsets", "operator_states"])
const innerMaps = new Set(["offsets", "metadata", "source_watermarks"])

/** The manifest in memory, by renaming and converting alone. */
export function inMemory(manifest: ExpectedFields): Record<string, unknown> {
  return fields(manifest, false)
}

function fields(given: ExpectedFields, exact: boolean): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    const memory = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
    record[memory] = convert(value, name, exact || bigints.has(name))
  }
  return record
}

function convert(value: ExpectedValue, name: string, exact: boolean): unknown {
  if (isInt(value)) return exact ? BigInt(value.int) : Number(value.int)
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  const given = value as ExpectedFields
  if (!maps.has(name) && !innerMaps.has(name)) return fields(given, exact)
  const record = Object.create(null) as Record<string, unknown>
  for (const [key, member] of Object.entries(given)) {
    record[key] = name === "sink_commit_statuses" ? status(member) : convert(member, "", exact)
  }
  return record
}

function status(value: ExpectedValue): unknown {
  if (typeof value === "string") return { status: value.toLowerCase() }
  return { status: "failed", message: (value as ExpectedFields)["Failed"] }
}

/**
 * The text of a manifest with the keys of its maps sorted, and everything else where it was. The printer is Node's own:
 * what it gives for an unsorted fixture is the fixture.
 */
export function sortMaps(text: string, sort = true): string {
  const marked = text.replace(stringOrInteger, (found) => (found.startsWith('"') ? found : `"${mark}${found}"`))
  const sorted = (name: string, value: unknown): unknown => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value
    const keys = Object.keys(value)
    if (sort && (maps.has(name) || innerMaps.has(name))) keys.sort()
    // The keys of a map are names of its own, not of fields: a source called "metadata" is not sorted by that.
    const isMap = maps.has(name)
    const given = value as Record<string, unknown>
    return Object.fromEntries(keys.map((key) => [key, sorted(isMap ? "" : key, given[key])]))
  }
  const printed = JSON.stringify(sorted("", JSON.parse(marked)), null, 2)
  return printed.replace(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1")
}

const mark = "integer:"
