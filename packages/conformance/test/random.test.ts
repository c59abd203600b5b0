import { BackendError, type ObjectBackend, type ObjectMeta } from "@ckpt/core"
import { expect, test } from "vitest"
import { backendCases, checkBackend, runScenario, type Scenario, type TestStorage } from "../src/index.js"

interface Stored {
  readonly meta: ObjectMeta
  readonly bytes: Uint8Array
}

/** Enough of a storage for a random sequence. After the second put of a key, `head` tells the size of the first. */
function forgetful(): ObjectBackend {
  const objects = new Map<string, Stored>()
  const sizes = new Map<string, number>()
  let versions = 0
  const refuse = (): never => {
    throw new BackendError("precondition", "not so")
  }
  return {
    name: "forgetful",
    capabilities: { compareAndSwap: "storage", maxDeleteBatch: 10 },
    async put(key, body, { when } = {}) {
      const chunks: Uint8Array[] = []
      for await (const chunk of body) chunks.push(new Uint8Array(chunk))
      const current = objects.get(key)
      if (when === "absent" ? current !== undefined : when !== undefined && current?.meta.version !== when.version)
        refuse()
      const bytes = new Uint8Array(Buffer.concat(chunks))
      const meta = { key, size: bytes.length, version: `v${++versions}`, lastModified: new Date() }
      if (!sizes.has(key)) sizes.set(key, bytes.length)
      objects.set(key, { meta, bytes })
      return meta
    },
    async get(key, { range = { offset: 0 }, ifVersion } = {}) {
      const found = objects.get(key)
      if (found === undefined) return undefined
      const { meta, bytes } = found
      if (ifVersion !== undefined && ifVersion !== meta.version) refuse()
      if (range.offset > bytes.length) refuse()
      const end = range.length === undefined ? bytes.length : range.offset + range.length
      const body = (async function* () {
        yield bytes.slice(range.offset, end)
      })()
      return { meta, body }
    },
    async head(key) {
      const found = objects.get(key)
      return found && { ...found.meta, size: sizes.get(key) ?? 0 }
    },
    async *list(prefix) {
      for (const { meta } of [...objects.values()]) if (meta.key.startsWith(prefix)) yield meta
    },
    async delete(keys) {
      for (const key of keys) {
        objects.delete(key)
        sizes.delete(key)
      }
      return []
    },
    now: async () => new Date(),
    async [Symbol.asyncDispose]() {},
  }
}

function forgetfulStorage(): TestStorage {
  const backend = forgetful()
  return { open: () => backend }
}

const random = backendCases.filter(({ name }) => name.startsWith("random:"))

test("a random sequence that fails is told with its seed, as a script that is as short as it can be", async () => {
  const messages = await Promise.all(
    [7, 7].map(async (seed) => {
      const [result] = await checkBackend({ factory: forgetfulStorage, cases: random, seed })
      return result?.error?.message ?? "it passed"
    }),
  )
  const [first = "", second] = messages
  expect(first).toContain("seed: 7")
  const calls = first.split("\n").filter((line) => /^ {4}\d+\. /.test(line))
  // Two writes of one key, and the head that tells the size of the first.
  const [one, other, last] = calls.map((line) => /(put|head)\(("[^"]+")/.exec(line)?.slice(1, 3))
  expect(calls).toHaveLength(3)
  expect([one?.[0], other?.[0], last?.[0]]).toEqual(["put", "put", "head"])
  expect(new Set([one?.[1], other?.[1], last?.[1]]).size).toBe(1)
  expect(second).toBe(first)
})

test("a scenario that fails tells the latest calls of its stores", async () => {
  const failing: Scenario = {
    name: "nothing is ever saved",
    async run({ open, keys }) {
      await (await open()).loadLatest()
      throw new Error(keys.pointer)
    },
  }
  const failure = await runScenario(failing, "objects", forgetfulStorage).then(
    () => "it passed",
    (error: Error) => error.message,
  )
  expect(failure).toContain("objects layout: nothing is ever saved")
  expect(failure).toContain("seen: Error: manifests/latest.json")
  expect(failure).toMatch(/the latest calls of its stores:\n {4}\w+ .*manifests/)
})
