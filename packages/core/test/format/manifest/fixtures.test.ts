import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { isJsonNumber, type JsonObject, type JsonValue, parseJson } from "../../../src/format/json.js"
import { decodeManifest, parseManifest } from "../../../src/format/manifest/decode.js"
import { encodeManifest, manifestToJson } from "../../../src/format/manifest/encode.js"
import { validateManifest } from "../../../src/format/manifest/validate.js"

const root = join(import.meta.dirname, "..", "..", "fixtures", "laminardb")
const stores = ["basic", "basic-objects", "legacy", "minimal", "orphan", "wide-ids"]

function manifestPath(store: string, id: string): string {
  const padded = id.padStart(6, "0")
  const objects = `manifests/manifest-${padded}.json`
  return join(root, store, store.endsWith("-objects") ? objects : `checkpoints/checkpoint_${padded}/manifest.json`)
}

/** The reference's account of a store. It is read exactly, since it has ids beyond 2^53. */
function expectedOf(store: string): JsonObject[] {
  const text = readFileSync(join(root, `${store.replace("-objects", "")}.expected.json`), "utf8")
  return (parseJson(text) as JsonObject).get("checkpoints") as unknown as JsonObject[]
}

const literal = (value: JsonValue | undefined): string =>
  isJsonNumber(value) ? value.number : expect.fail("no number")

const exact = new Set(["watermark", "pipeline_hash", "source_watermarks"])
const maps = ["source_offsets", "sink_epochs", "sink_commit_statuses", "table_offsets", "operator_states"]

/** The expected form in memory, made by renaming and converting alone, without the decoder. */
function inMemory(value: JsonValue, key: string, bigints: boolean, isMap: boolean): unknown {
  if (isJsonNumber(value)) return bigints ? BigInt(value.number) : Number(value.number)
  if (Array.isArray(value)) return value
  if (!(value instanceof Map)) return value
  const record = Object.create(isMap ? null : Object.prototype) as Record<string, unknown>
  for (const [name, member] of value as JsonObject) {
    const isField = !isMap
    const memory = isField ? name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()) : name
    const memberIsMap = isField && (maps.includes(name) || ["offsets", "metadata", "source_watermarks"].includes(name))
    record[memory] =
      key === "sink_commit_statuses"
        ? status(member)
        : inMemory(member, isField ? name : "", bigints || exact.has(name), memberIsMap)
  }
  return record
}

function status(value: JsonValue): unknown {
  if (typeof value === "string") return { status: value.toLowerCase() }
  return { status: "failed", message: (value as JsonObject).get("Failed") }
}

describe.each(stores)("fixture %s", (store) => {
  const checkpoints = expectedOf(store)
  const found = readdirSync(join(root, store), { recursive: true, encoding: "utf8" })

  test("the reference's account covers every manifest", () => {
    const manifests = found.filter((name) => /manifest(-\d+)?\.json$/.test(name))
    expect(checkpoints.filter((checkpoint) => checkpoint.get("manifest") !== null)).toHaveLength(manifests.length)
  })

  for (const checkpoint of checkpoints) {
    const id = literal(checkpoint.get("id"))
    const manifest = checkpoint.get("manifest") ?? null
    if (manifest === null) continue
    const path = manifestPath(store, id)

    if (BigInt(id) > BigInt(Number.MAX_SAFE_INTEGER)) {
      test(`${id} is an issue, not a rounded value`, () => {
        const { manifest, issues } = decodeManifest(readFileSync(path))
        expect(manifest).toBeUndefined()
        expect(issues).toMatchObject([{ severity: "fatal", code: "number-unsafe" }])
        expect(issues[0]?.message).toContain(`checkpoint_id: ${id}`)
      })
      continue
    }

    test(`${id} reads as the reference reads it`, () => {
      const parsed = parseManifest(readFileSync(path))
      expect(parsed).toStrictEqual(inMemory(manifest, "", false, false))
    })

    test(`${id} has the issues that the reference finds`, () => {
      const parsed = parseManifest(readFileSync(path))
      const length = checkpoint.get("state_len")
      const stateSize = length === null ? 0 : Number(literal(length))
      const issues = validateManifest(parsed, { vnodeCount: 256, expectedId: Number(id), stateSize })
      const expected = (checkpoint.get("issues") as unknown as JsonObject[]).map((issue) => ({
        severity: issue.get("fatal") === true ? "fatal" : "warning",
        message: issue.get("message"),
      }))
      expect(issues.map(({ severity, message }) => ({ severity, message }))).toEqual(expected)
    })

    test(`${id} is written, and read back equal`, () => {
      const parsed = parseManifest(readFileSync(path))
      expect(parseManifest(encodeManifest(parsed))).toStrictEqual(parsed)
    })
  }
})

test.each(["1", "2", "7"])("basic %s is written as the reference writes it, except for the order of map keys", (id) => {
  const text = readFileSync(manifestPath("basic", id), "utf8")
  const covered = sortMaps(text).slice(0, -"\n}".length)
  const checksum = createHash("sha256").update(covered).digest("hex")
  const expected = `${covered},\n  "manifest_checksum": "${checksum}"\n}`
  expect(manifestToJson(parseManifest(Buffer.from(text)))).toBe(expected)
})

/** Sorts the members of every map in pretty-printed text, by its lines alone. */
function sortMaps(text: string): string {
  const lines = text.split("\n")
  return ["{", ...sortMembers(lines.slice(1, -1), 2, false), "}"].join("\n")
}

function sortMembers(lines: string[], indent: number, isMap: boolean): string[] {
  const members: { key: string; lines: string[] }[] = []
  for (const line of lines) {
    const key = new RegExp(`^ {${indent}}("(?:[^"\\\\]|\\\\.)*"): `).exec(line)?.[1]
    if (key === undefined) members.at(-1)?.lines.push(line)
    else members.push({ key: JSON.parse(key) as string, lines: [line] })
  }
  if (isMap) members.sort((a, b) => (a.key < b.key ? -1 : 1))
  return members.flatMap((member, index) => {
    const first = member.lines[0] ?? ""
    const body = member.lines.slice(1, -1)
    const nested = !isMap && [...maps, "offsets", "metadata", "source_watermarks"].includes(member.key)
    const inner = first.endsWith("{") ? sortMembers(body, indent + 2, nested) : body
    const whole = member.lines.length === 1 ? [first] : [first, ...inner, member.lines.at(-1) ?? ""]
    const last = (whole.pop() ?? "").replace(/,$/, "")
    return [...whole, index === members.length - 1 ? last : `${last},`]
  })
}
