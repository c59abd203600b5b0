import { createHash } from "node:crypto"
import { expect, test } from "vitest"
import { bytesPerTurn, inTurns, type Work } from "../../../src/async/turns.js"
import { parsingJson } from "../../../src/format/json.js"
import { decodeManifest, decodingManifest, parseManifest } from "../../../src/format/manifest/decode.js"
import { encodeManifest } from "../../../src/format/manifest/encode.js"
import { decodeInline, inlineOperator, isBase64 } from "../../../src/format/manifest/inline.js"
import { checksumMeaning, findingMeaning } from "../../../src/format/manifest/state-checksum.js"
import { validateManifest, validatingManifest } from "../../../src/format/manifest/validate.js"
import { byUtf8, sortingByUtf8 } from "../../../src/format/utf8-order.js"
import { base, bytesOf, head } from "./support.js"

/** The result of some work, and its pauses. */
function counted<T>(work: Work<T>): { value: T; pauses: number } {
  for (let pauses = 0; ; pauses++) {
    const step = work.next()
    if (step.done) return { value: step.value, pauses }
  }
}

const operators = 100_000
/** 31 MB: operators with long names, in no order. */
const text = `{${head},"operator_states":{${Array.from(
  { length: operators },
  (_, at) => `"operator-${(at * 7919) % operators}-${"of-a-long-pipeline-".repeat(14)}":{"external":true}`,
).join(",")}}}`
const bytes = bytesOf(text)

test("a manifest of 30 MB is parsed, decoded and checked with pauses, in which the event loop goes round", async () => {
  expect(bytes.length).toBeGreaterThan(30_000_000)
  const parsed = counted(parsingJson(text))
  // Each stretch ends behind a value.
  const longest = bytesPerTurn + 400
  expect(parsed.pauses).toBeGreaterThanOrEqual(Math.floor(bytes.length / longest) - 1)
  let rounds = 0
  let isOver = false
  const round = () => {
    rounds++
    if (!isOver) setImmediate(round)
  }
  setImmediate(round)
  const { manifest } = await inTurns(decodingManifest(bytes))
  isOver = true
  // And one for each 4,096 operators.
  expect(rounds).toBeGreaterThanOrEqual(parsed.pauses + Math.floor(operators / 4096))
  if (manifest === undefined) return expect.fail()
  expect(Object.keys(manifest.operatorStates)).toHaveLength(operators)
  const checked = counted(validatingManifest(manifest, { vnodeCount: 0 }))
  expect(checked.pauses).toBeGreaterThanOrEqual(Math.floor(operators / 4096))
})

test("480,001 faults: a hundred of a kind and one that counts the others; another kind is not lost behind them", () => {
  const wrong = { stateB64: "!", external: false, externalOffset: 0, externalLength: 0 }
  const operatorStates = Object.fromEntries(Array.from({ length: 480_000 }, (_, at) => [`operator-${at}`, wrong]))
  const issues = validateManifest({ ...base, operatorStates }, { vnodeCount: 256, expectedId: 2 })
  const ofOperators = issues.filter((issue) => issue.code === "operator-base64")
  expect(ofOperators).toHaveLength(101)
  expect(ofOperators.at(-1)).toEqual({
    severity: "fatal",
    code: "operator-base64",
    message: "479900 more issues of the code operator-base64; the first 100 are told one by one",
  })
  expect(issues).toHaveLength(102)
  expect(issues.map((issue) => issue.code)).toContain("id-mismatch")
})

test("what the checksum of 50,000 operators' states is of is found with pauses, and remembered", () => {
  const names = Array.from({ length: 50_000 }, (_, at) => `${["a", "🦀", "￮"][at % 3]}${(at * 7919) % 50_021}`)
  const operatorStates = Object.fromEntries(names.map((name) => [name, inlineOperator(bytesOf(name))]))
  const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const covered = sorted.map((name) => `${name}\0${Buffer.from(name).toString("base64")}\0`).join("")
  const manifest = { ...base, operatorStates, stateChecksum: createHash("sha256").update(covered).digest("hex") }
  const { value, pauses } = counted(findingMeaning(manifest))
  expect(value).toEqual({ of: "inline" })
  // The names are merged level by level, and hashed.
  expect(pauses).toBeGreaterThanOrEqual(5 * Math.floor(names.length / 4096))
  expect(checksumMeaning(manifest)).toBe(value)
})

test("of several works, one piece is done in a round", async () => {
  const pieces: number[] = []
  let round = 0
  function* work(): Work<void> {
    for (let piece = 0; piece < 4; piece++) {
      yield
      pieces.push(round)
    }
  }
  let isOver = false
  const count = () => {
    round++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await Promise.all([inTurns(work()), inTurns(work()), inTurns(work())])
  isOver = true
  expect(new Set(pieces).size).toBe(12)
})

test("an abort ends the work", async () => {
  const abort = new AbortController()
  const work = decodingManifest(bytes)
  const aborted = inTurns(work, abort.signal)
  abort.abort(new Error("enough"))
  await expect(aborted).rejects.toThrow("enough")
})

test("a manifest with warnings and faults of each kind tells all kinds, warnings first", () => {
  const names = Array.from({ length: 300 }, (_, at) => `n${at}`)
  const map = <T>(value: T) => Object.fromEntries(names.map((name) => [name, value]))
  const manifest = {
    ...base,
    sinkEpochs: map(1),
    sinkCommitStatuses: { other: { status: "pending" } as const },
    sourceNames: ["s"],
    sourceOffsets: map({ epoch: 1, offsets: {} }),
    operatorStates: map({ stateB64: "!", external: true, externalOffset: 5, externalLength: 5 }),
    stateSize: 3,
  }
  const issues = validateManifest(manifest, { vnodeCount: 1, expectedId: 9 })
  const counts = new Map<string, number>()
  for (const { code } of issues) counts.set(code, (counts.get(code) ?? 0) + 1)
  expect(Object.fromEntries(counts)).toEqual({
    "sink-status-missing": 101,
    "source-unnamed": 101,
    "vnode-count": 1,
    "state-unverified": 1,
    "id-mismatch": 1,
    "operator-range": 101,
    "operator-base64": 101,
  })
  const firstFatal = issues.findIndex((issue) => issue.severity === "fatal")
  expect(issues.slice(firstFatal).every((issue) => issue.severity === "fatal")).toBe(true)
})

test("large maps within large maps, and long lists, are read back equal", () => {
  const names = (count: number) => Array.from({ length: count }, (_, at) => `name-${at}`)
  const map = <T>(count: number, value: T) => Object.fromEntries(names(count).map((name) => [name, value]))
  const offsets = map(1_500, "1")
  const manifest = {
    ...base,
    sourceOffsets: {
      ...map(2_000, { epoch: 1, offsets: { a: "1" }, metadata: {} }),
      x: { epoch: 1, offsets, metadata: offsets },
    },
    sourceNames: names(3_000).sort(),
  }
  expect(parseManifest(encodeManifest(manifest))).toEqual(manifest)
  // A fault in an entry that is decoded last has its path.
  const entries = names(2_000).map((name) => `"${name}":{"epoch":1,"offsets":{}}`)
  const { issues } = decodeManifest(
    bytesOf(`{${head},"source_offsets":{${entries.join(",")},"z":{"epoch":-1,"offsets":{}}}}`),
  )
  expect(issues[0]?.message).toContain("source_offsets.z.epoch: -1 is out of range")
})

test("text of several pieces: a character across their border is read, half a character is not UTF-8", () => {
  const MiB = 1024 * 1024
  const start = `{${head},"x":"`
  const crab = "🦀"
  for (const shift of [0, 1, 2, 3, 4]) {
    const filled = `${start}${"a".repeat(MiB - start.length - shift)}${crab}"}`
    const { manifest } = decodeManifest(bytesOf(filled))
    expect(manifest?.unknownFields?.get("x")).toBe(filled.slice(start.length, -2))
    const cut = Buffer.from(bytesOf(filled))
    cut[MiB - shift + 1] = 0x61
    expect(decodeManifest(cut).issues[0]?.message).toContain("not UTF-8")
  }
  expect(
    decodeManifest(Buffer.concat([bytesOf(`{${head},"x":"${"a".repeat(MiB)}"}`), Buffer.from([0xf0])])).issues[0]
      ?.message,
  ).toContain("not UTF-8")
})

test("base64 of several pieces has its padding at the end alone", () => {
  const MiB = 1024 * 1024
  const piece = "QUJD".repeat(MiB / 4)
  expect(isBase64(`${piece}QUI=`)).toBe(true)
  expect(isBase64(`${piece}QUI`)).toBe(false)
  expect(isBase64(`${piece.slice(0, -4)}QUI=QUJD`)).toBe(false)
  expect(isBase64(`${piece}QUJ=`)).toBe(false)
  const operator = { stateB64: `${piece}QUI=`, external: false, externalOffset: 0, externalLength: 0 }
  expect(decodeInline(operator)).toHaveLength((MiB / 4) * 3 + 2)
})

test("many names are sorted as few are", () => {
  const names = Array.from({ length: 20_000 }, (_, at) => `${["a", "🦀", "￮"][at % 3]}${(at * 7919) % 20_011}`)
  expect(counted(sortingByUtf8(names)).value).toEqual([...names].sort(byUtf8))
  expect(counted(sortingByUtf8([])).value).toEqual([])
})
