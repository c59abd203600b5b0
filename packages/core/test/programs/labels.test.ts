import { expect, test } from "vitest"
import { createManifest, manifestToJson, parseManifest } from "../../src/index.js"
import { bytes, manifest, opened, rejectionOf } from "../mistakes/support.js"

const labels = { release: "4.2", reason: "before the upgrade" }

test("labels are stored, read back, changed by update, and shown by list", async () => {
  const { store, open } = await opened()
  await store.saveNext({ labels }, { state: bytes("s") })
  expect({ ...(await store.load(3))?.labels }).toEqual(labels)
  await store.update(3, (current) => ({ ...current, labels: { ...current.labels, by: "ops" } }))
  const listed = await (await open()).list().toArray()
  expect(listed.map((summary) => ({ ...summary.labels }))).toEqual([{}, {}, { ...labels, by: "ops" }])
  expect(listed[0]).not.toHaveProperty("labels")
})

test("list shows the operators and their sizes, inline and external", async () => {
  const { store } = await opened()
  const operators = { small: bytes("12345"), none: bytes(""), é: bytes("1") }
  await store.save(manifest(3), { operators })
  await store.save(manifest(4), { operators, inlineThreshold: 0 })
  const [one, two, three, four] = await store.list().toArray()
  expect(one).not.toHaveProperty("operators")
  expect({ ...two?.operators }).toEqual({ window: 1, counts: 1 })
  expect({ ...three?.operators }).toEqual({ small: 5, none: 0, é: 1 })
  expect({ ...four?.operators }).toEqual({ small: 5, none: 0, é: 1 })
})

test("a list is read anew each time it is iterated", async () => {
  const { store } = await opened()
  const list = store.list()
  expect(await list.toArray()).toHaveLength(2)
  await store.saveNext()
  const ids: number[] = []
  for await (const { id } of list) ids.push(id)
  expect(ids).toEqual([1, 2, 3])
  expect((await list.toArray()).map(({ id }) => id)).toEqual([1, 2, 3])
})

test("keepIf gets the labels, also of what is remembered", async () => {
  const { store } = await opened()
  await store.saveNext({ labels: { keep: "yes" } })
  await store.saveNext()
  const policy = {
    keepIf: (summary: { labels?: Readonly<Record<string, string>> }) => summary.labels?.["keep"] === "yes",
  }
  expect((await store.prune(policy, { dryRun: true })).removed).toEqual([1, 2])
  expect((await store.prune(policy)).kept).toEqual([3, 4])
})

test("the field comes before the writer, and needs the checksum", () => {
  const text = manifestToJson(createManifest({ checkpointId: 1, epoch: 1, labels, writer: { epoch: 1, id: "w" } }))
  expect(text.indexOf('"labels"')).toBeGreaterThan(text.indexOf('"state_checksum"'))
  expect(text.indexOf('"labels"')).toBeLessThan(text.indexOf('"writer"'))
  expect(() => parseManifest(text.replace('"release": "4.2"', '"release": "4.3"'))).toThrow("manifest_checksum")
})

const long = (length: number) => "x".repeat(length)

test.each([
  ["a number", { retries: 3 }, "labels.retries: must be a string"],
  ["a Map", new Map([["a", "b"]]), "labels: must be a plain object, not a Map"],
  ["an empty name", { "": "x" }, "a name has 1 to 128 bytes, not 0"],
  ["a long name", { [long(129)]: "x" }, "a name has 1 to 128 bytes, not 129"],
  ["a long value", { a: "é".repeat(513) }, "labels.a: has 1026 bytes, more than 1024"],
  ["too many", Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`l${n}`, ""])), "has 65 labels, more than 64"],
])("labels are refused: %s", async (_, wrong, words) => {
  const { store } = await opened()
  for (const run of [
    () => createManifest({ checkpointId: 1, epoch: 1, labels: wrong as never }),
    () => store.save({ ...manifest(3), labels: wrong as never }),
    () => store.update(1, (current) => ({ ...current, labels: wrong as never })),
  ]) {
    const error = await rejectionOf(run)
    expect(error).toMatchObject({ code: "CKPT_INVALID" })
    expect((error as Error).message).toContain(words)
  }
  expect(await store.ids()).toEqual([1, 2])
})

test("labels within the limits are taken", () => {
  const all = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`${n}`.padEnd(128, "n"), long(1024)]))
  const made = createManifest({ checkpointId: 1, epoch: 1, labels: all })
  expect({ ...parseManifest(manifestToJson(made)).labels }).toEqual(all)
})
