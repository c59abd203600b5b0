import { checkBackend, claimCases, type TestStorage } from "@ckpt/conformance"
import type { BackendClaim, ObjectBackend } from "@ckpt/core"
import { expect, test } from "vitest"
import { nodeFiles } from "../../src/files/file-api.js"
import { FsBackend } from "../../src/index.js"
import { fsStorage } from "../storage.js"

/** Lies in one way: `plain` is a backend that never looks for claims. */
type Mutant = (real: FsBackend, plain: FsBackend) => Partial<ObjectBackend>

const mutants: Record<string, Mutant> = {
  "puts whoever leads": (_, plain) => ({ put: plain.put.bind(plain) }),
  "deletes whoever leads": (_, plain) => ({ delete: plain.delete.bind(plain) }),
  "commits whoever leads": (_, plain) => ({ commit: plain.commit.bind(plain) }),
  "looks who leads when a put begins, and not again": (real, plain) => ({
    async put(key, body, options) {
      await real.delete(["a/nothing"])
      return plain.put(key, body, options)
    },
  }),
  "has one epoch for all": (real) => ({ claim: async (options) => ({ ...(await claimOf(real, options)), epoch: 1 }) }),
  "claims the whole storage": (real) => ({ claim: (options) => claimOf(real, { ...options, prefix: "" }) }),
  "claims every key, whatever keys are meant": (real) => ({
    claim: ({ keys: _, ...options }) => claimOf(real, options),
  }),
  "claims the first of the prefixes alone": (real) => ({
    claim: ({ keys, ...options }) =>
      claimOf(real, { ...options, keys: keys && { ...keys, prefixes: keys.prefixes.slice(0, 1) } }),
  }),
  "does not say what a claim passed over": (real) => ({
    claim: async (options) => ({ ...(await claimOf(real, options)), passedOver: [] }),
  }),
  "writes on after it gave up": (real, plain) => ({
    async claim(options) {
      const claim = await claimOf(real, options)
      let over = false
      const put: ObjectBackend["put"] = (...args) => (over ? plain : claim.backend).put(...args)
      const dispose = async () => {
        over = true
      }
      return { ...claim, backend: changed(claim.backend as FsBackend, { put, [Symbol.asyncDispose]: dispose }) }
    },
  }),
  "lists its claims": (real) => ({
    async *list(prefix) {
      yield* real.list(prefix)
      yield { key: `${prefix}.claims/claim-000001.json`, size: 1, version: "1", lastModified: new Date() }
    },
  }),
}

function claimOf(backend: FsBackend, options: Parameters<FsBackend["claim"]>[0]): Promise<BackendClaim> {
  return backend.claim(options)
}

function changed(real: FsBackend, changes: Partial<ObjectBackend>): ObjectBackend {
  return {
    name: real.name,
    capabilities: real.capabilities,
    put: real.put.bind(real),
    get: real.get.bind(real),
    head: real.head.bind(real),
    list: real.list.bind(real),
    delete: real.delete.bind(real),
    now: real.now.bind(real),
    commit: real.commit.bind(real),
    claim: real.claim.bind(real),
    [Symbol.asyncDispose]: real[Symbol.asyncDispose].bind(real),
    ...changes,
  }
}

const blind = {
  ...nodeFiles,
  lstat: async (path: string, options: { bigint: true }) => {
    if (path.endsWith("/.claims")) throw Object.assign(new Error("ENOENT: not looked at"), { code: "ENOENT" })
    return nodeFiles.lstat(path, options)
  },
}

function storageOf(mutant: Mutant): TestStorage {
  const storage = fsStorage({
    wrap: (root) => changed(new FsBackend(root), mutant(new FsBackend(root), new FsBackend(root, { files: blind }))),
  })
  return storage
}

const failed = async (factory: () => TestStorage) =>
  (await checkBackend({ factory, cases: claimCases }))
    .filter(({ result }) => result === "failed")
    .map(({ name }) => name)

test("what the mutants are made of passes every case", async () => {
  expect(await failed(() => storageOf(() => ({})))).toEqual([])
})

const needed = new Set<string>()
test.each(Object.entries(mutants))("caught: %s", async (_, mutant) => {
  const names = await failed(() => storageOf(mutant))
  expect(names).not.toEqual([])
  for (const name of names) needed.add(name)
})

test("every case is needed by a mutant", () => {
  expect([...needed].sort()).toEqual(claimCases.map(({ name }) => name).sort())
})
