import fc from "fast-check"
import { expect, test } from "vitest"
import { createManifest, json, manifestToJson, parseManifest } from "../../src/index.js"
import { bytes, manifest, opened, rejectionOf } from "../mistakes/support.js"

test("a value is saved as JSON and read back: as the state, or as that of an operator", async () => {
  const { store } = await opened()
  const window = { seen: ["a", "b"], total: 2.5, none: null, left: undefined, at: new Date(0) }
  await store.save(manifest(3), { state: json(window) })
  await store.save(manifest(4), { operators: { window: json(window), counts: json([1, 2]) } })
  const read = { seen: ["a", "b"], total: 2.5, none: null, at: "1970-01-01T00:00:00.000Z" }
  expect(await (await store.open(3)).json<typeof read>()).toEqual(read)
  expect(await (await store.open(4)).json("window")).toEqual(read)
  const restored = await store.restore(async (checkpoint) => checkpoint.json<number[]>("counts"))
  expect(restored.value).toEqual([1, 2])
})

test("property: what json() takes is read back equal", async () => {
  const { store } = await opened()
  let id = 2
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (value) => {
      await store.save(manifest(++id), { state: json(value) })
      // JSON has one zero, which takes the place of -0.
      expect(await (await store.open(id)).json()).toEqual(JSON.parse(JSON.stringify(value)))
    }),
    { numRuns: 50 },
  )
})

test.each([
  ["undefined", undefined, "the value is undefined"],
  ["a function", () => 1, "the value is a function"],
  ["a bigint", { offset: 5n }, '"offset" is the bigint 5n, which JSON cannot hold; give String(value)'],
  ["a Map", { table: new Map() }, '"table" is a Map, which JSON cannot hold; give Object.fromEntries(map)'],
  ["a Set", [new Set()], "entry 0 is a Set"],
  ["bytes", { image: bytes("x") }, '"image" is a Uint8Array'],
  ["a Buffer, which has a toJSON", { image: Buffer.from("x") }, "give bytes as a state of their own"],
  ["NaN", { mean: Number.NaN }, '"mean" is the number NaN'],
  ["undefined in an array", [undefined], "entry 0 is undefined"],
  ["a method", { run() {} }, '"run" is a function'],
  ["a date that is none", { at: new Date("soon") }, '"at" is'],
  ["what is deeper than the stack", deep(100_000), "call stack"],
  ["a promise", { later: Promise.resolve(1) }, "await it first"],
])("json() refuses %s", async (_, value, words) => {
  const error = await rejectionOf(() => json(value))
  expect(error).toMatchObject({ name: "CheckpointError", code: "CKPT_INVALID" })
  expect((error as Error).message).toContain(words)
})

function deep(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

test("json() refuses what holds itself, and passes an error of toJSON on", async () => {
  const circle: Record<string, unknown> = {}
  circle["self"] = circle
  expect(await rejectionOf(() => json(circle))).toMatchObject({ code: "CKPT_INVALID" })
  const own = new RangeError("mine")
  const fails = {
    toJSON() {
      throw own
    },
  }
  expect(await rejectionOf(() => json(fails))).toBe(own)
})

test("json of a state that is none, or is absent", async () => {
  const { store } = await opened()
  await store.save(manifest(3))
  const first = await store.open(1)
  expect(await rejectionOf(() => first.json())).toMatchObject({ code: "CKPT_INVALID", checkpointId: 1 })
  expect(await rejectionOf(async () => (await store.open(3)).json())).toMatchObject({ code: "CKPT_NOT_FOUND" })
  const second = await store.open(2)
  expect(await rejectionOf(() => second.json())).toMatchObject({
    code: "CKPT_NOT_FOUND",
    message: 'checkpoint 2 has no state. It has operators: give json() one of "counts" and "window".',
  })
  expect(await rejectionOf(() => second.json("wnidow"))).toMatchObject({ code: "CKPT_NOT_FOUND" })
})

test("what is no JSON, and an operator that is not there, is told with key and storage, of restore and of recover", async () => {
  const { store } = await opened()
  const operators = Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`part-${n + 10}`, bytes("no JSON")]))
  await store.saveNext({}, { operators })
  const { checkpoint } = await store.recover()
  const fromRestore = (name: string) => rejectionOf(() => store.restore((visited) => visited.json(name)))
  const fromRecover = (name: string) => rejectionOf(async () => checkpoint?.json(name))
  for (const read of [fromRestore, fromRecover]) {
    const told = { checkpointId: 3, backend: "objects" }
    expect(await read("part-10")).toMatchObject({ ...told, code: "CKPT_INVALID", key: expect.stringMatching(/state/) })
    expect(await read("part10")).toMatchObject({
      ...told,
      code: "CKPT_NOT_FOUND",
      message:
        'checkpoint 3 has no operator "part10". Did you mean "part-10"? All names: ' +
        `${Array.from({ length: 20 }, (_, n) => `"part-${n + 10}"`).join(", ")} and 5 more.`,
    })
    // Where none is near, the names are told once.
    expect(((await read("zzz")) as Error).message.match(/part-10/g)).toHaveLength(1)
  }
})

test("offsets may be given as numbers and bigints, and are stored as digits", async () => {
  const init = (offsets: Record<string, string | number | bigint>) =>
    createManifest({
      checkpointId: 1,
      epoch: 1,
      timestampMs: 1,
      sourceOffsets: { orders: { epoch: 1, offsets } },
      tableOffsets: { rates: { epoch: 1, offsets } },
    })
  const given = init({ a: 7, b: -1, c: 2n ** 64n, d: "0/16B3748", e: 0 })
  const stored = { a: "7", b: "-1", c: "18446744073709551616", d: "0/16B3748", e: "0" }
  expect({ ...given.sourceOffsets["orders"]?.offsets }).toEqual(stored)
  expect({ ...parseManifest(manifestToJson(given)).tableOffsets["rates"]?.offsets }).toEqual(stored)
  expect(manifestToJson(given)).toBe(manifestToJson(init(stored)))
  for (const wrong of [2 ** 53, 1.5, Number.NaN, null, {}]) {
    expect(await rejectionOf(() => init({ a: wrong as number }))).toMatchObject({ code: "CKPT_INVALID" })
  }
  const { store } = await opened()
  await store.saveNext({ sourceOffsets: { orders: { epoch: 3, offsets: { "0": 41n } } } })
  expect((await store.load(3))?.sourceOffsets["orders"]?.offsets["0"]).toBe("41")
})

test("offsets without an epoch belong to the manifest's, also if the store chooses it", async () => {
  const offsets = { "0": 1 }
  const init = {
    sourceOffsets: { orders: { offsets }, ["__proto__"]: { offsets } },
    tableOffsets: { rates: { epoch: 4, offsets } },
  }
  const made = createManifest({ checkpointId: 1, epoch: 9, ...init })
  const epochs = ({ sourceOffsets, tableOffsets }: typeof made) =>
    [sourceOffsets, tableOffsets].map((all) => Object.entries(all).map(([name, { epoch }]) => `${name} ${epoch}`))
  expect(epochs(made)).toEqual([["orders 9", "__proto__ 9"], ["rates 4"]])
  const { store } = await opened()
  await store.saveNext({ epoch: 70 })
  const { id } = await store.saveNext(init)
  const saved = await store.load(id)
  expect(saved && epochs(saved)).toEqual([["__proto__ 71", "orders 71"], ["rates 4"]])
  expect(saved?.epoch).toBe(71)
})

test("after the last epoch that there is, the next must be given", async () => {
  const { store } = await opened()
  await store.saveNext({ epoch: Number.MAX_SAFE_INTEGER })
  expect(await rejectionOf(() => store.saveNext())).toMatchObject({
    code: "CKPT_INVALID",
    message: expect.stringContaining("give { epoch }"),
  })
  expect(await store.saveNext({ epoch: 1 })).toMatchObject({ id: 4 })
})
