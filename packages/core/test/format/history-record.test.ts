import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { decodeHistory, encodeHistory, type HistoryRecord, noHistory } from "../../src/format/history-record.js"
import { IdRanges } from "../../src/format/id-ranges.js"
import { counts, mayCount } from "../../src/history/rule.js"

const [lineage, writer, other, token] = ["a", "b", "c", "d"].map((digit) => digit.repeat(32)) as [
  string,
  string,
  string,
  string,
]
const full: HistoryRecord = {
  lineage,
  epoch: 3,
  writer,
  claiming: { epoch: 4, writer: other },
  floor: 9,
  kept: IdRanges.of([1, 2, 3, 7]),
  top: 12,
  pins: new Map([
    ["release", 7],
    ["a.b-c_d", 15],
  ]),
}
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

test("a history with every field has the golden text, and is read back", () => {
  const bytes = encodeHistory(full, token)
  expect(text(bytes)).toMatchInlineSnapshot(`
    "{
      "version": 1,
      "lineage": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "epoch": 3,
      "writer": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      "claiming": {
        "epoch": 4,
        "writer": "cccccccccccccccccccccccccccccccc"
      },
      "floor": 9,
      "kept": "1-3 7",
      "top": 12,
      "pins": {
        "a.b-c_d": 15,
        "release": 7
      },
      "token": "dddddddddddddddddddddddddddddddd",
      "checksum": "bfcc43b631e6439197388bd57d78de8914840ad75b98edcb8f47b8c1fa0ef9bb"
    }"
  `)
  expect(decodeHistory(bytes)).toMatchObject({
    token,
    record: { ...full, kept: expect.anything(), pins: expect.anything() },
  })
})

test("whatever is written is read back equal; equal histories are equal bytes", async () => {
  const id = fc.integer({ min: 1, max: 60 })
  const record = fc
    .record({
      epoch: fc.integer({ min: 0, max: 5 }),
      leads: fc.boolean(),
      claims: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      floor: id,
      kept: fc.array(id),
      top: id,
      pins: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/), id),
    })
    .map(({ epoch, leads, claims, floor, kept, top, pins }): HistoryRecord => {
      const pinned = Object.values(pins).filter((one) => one <= floor)
      return {
        lineage,
        epoch,
        writer: leads && epoch > 0 ? writer : undefined,
        claiming: claims === undefined ? undefined : { epoch: epoch + claims, writer: other },
        floor,
        kept: IdRanges.of([...kept.filter((one) => one <= floor), ...pinned]),
        top,
        pins: new Map(Object.entries(pins)),
      }
    })
  await fc.assert(
    fc.property(record, (one) => {
      const bytes = encodeHistory(one, token)
      const { record: read } = decodeHistory(bytes)
      if (read === undefined) throw new Error("it was not read back")
      expect({ ...read, kept: `${read.kept}`, pins: [...read.pins].sort() }).toEqual({
        ...one,
        kept: `${one.kept}`,
        pins: [...one.pins].sort(),
      })
      expect(Buffer.from(encodeHistory(read, token)).equals(bytes)).toBe(true)
    }),
    { verbose: 1 },
  )
})

test("every single bit that is flipped, every byte that is lost or added at the end, is found", () => {
  const bytes = encodeHistory(full, token)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Uint8Array.from(bytes)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    expect(decodeHistory(flipped)).toHaveProperty("problem")
  }
  for (let length = 0; length < bytes.length; length++)
    expect(decodeHistory(bytes.subarray(0, length))).toHaveProperty("problem")
  expect(decodeHistory(Buffer.concat([bytes, Buffer.from("\n")]))).toHaveProperty("problem")
})

describe("a history that breaks an invariant is neither written nor read", () => {
  test.each<[string, Partial<HistoryRecord>]>([
    ["lineage", { lineage: "" }],
    ["writer", { epoch: 0, claiming: undefined }],
    ["claim", { claiming: { epoch: 3, writer: other } }],
    ["kept", { floor: 6 }],
    ["pins", { pins: new Map([["gone", 5]]) }],
  ])("%s", (_, change) => {
    expect(() => encodeHistory({ ...full, ...change }, token)).toThrow("a history that must not be written")
  })

  test("also if its checksum is right", async () => {
    const { createHash } = await import("node:crypto")
    const body = text(encodeHistory(full, token)).replace('"floor": 9', '"floor": 5').split(',\n  "checksum"')[0]
    const checksum = createHash("sha256").update(`${body}`).digest("hex")
    expect(decodeHistory(new TextEncoder().encode(`${body},\n  "checksum": "${checksum}"\n}`))).toMatchObject({
      problem: expect.stringContaining("above its floor"),
    })
  })
})

test("a history of a newer version is told from a damaged one", async () => {
  const { createHash } = await import("node:crypto")
  const body = text(encodeHistory(full, token)).replace('"version": 1', '"version": 2').split(',\n  "checksum"')[0]
  const checksum = createHash("sha256").update(`${body}`).digest("hex")
  const bytes = new TextEncoder().encode(`${body},\n  "checksum": "${checksum}"\n}`)
  expect(decodeHistory(bytes)).toMatchObject({ isNewer: true, problem: expect.stringContaining("version is 2") })
})

test("the rule: up to the floor what is kept, above it what the epoch wrote", async () => {
  const small = fc.integer({ min: 0, max: 12 })
  await fc.assert(
    fc.property(
      small,
      small,
      fc.array(small),
      fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
      (id, floor, kept, epoch) => {
        const history = { ...noHistory, epoch: 2, floor, kept: IdRanges.of(kept.filter((one) => one <= floor)) }
        const isUpTo = floor > 0 && id <= floor
        expect(counts(id, epoch, history)).toBe(isUpTo ? kept.includes(id) : epoch === undefined || epoch === 2)
        expect(mayCount(id, history)).toBe(isUpTo ? kept.includes(id) : true)
      },
    ),
    { verbose: 1 },
  )
})
