import assert from "node:assert/strict"
import { BackendError, type ObjectBackend } from "@ckpt/core"
import { expect, test } from "vitest"
import { type BackendCase, backendCases, checkBackend, describeBackend, type TestStorage } from "../src/index.js"

interface Registered {
  name: string
  body: () => Promise<void>
  timeoutMs: number
}

/** A storage whose backend is never called: the code that runs the cases is under test. */
function storage(log: string[] = []): TestStorage {
  const nothing = () => Promise.reject(new Error("not called"))
  const backend: ObjectBackend = {
    name: "stub",
    capabilities: { compareAndSwap: "process", maxDeleteBatch: 7 },
    put: nothing,
    get: nothing,
    head: nothing,
    list: () => assert.fail("not called"),
    delete: nothing,
    now: nothing,
    leftovers: nothing,
    [Symbol.asyncDispose]: async () => void log.push("backend disposed"),
  }
  return {
    open: () => {
      log.push("opened")
      return { ...backend }
    },
    dispose: () => void log.push("storage disposed"),
  }
}

const passing: BackendCase = { name: "passes", loses: "nothing.", run: async () => {} }
const failing: BackendCase = {
  name: "fails",
  loses: "the latest checkpoint.",
  run: async () => assert.deepEqual(new Uint8Array(100_000), new Uint8Array([1, 2]), "the bytes of a state"),
}
const throwing: BackendCase = {
  name: "throws",
  loses: "the next save.",
  run: () => Promise.reject(new BackendError("denied", "no key")),
}
const committing: BackendCase = { ...passing, name: "needs commit", needs: ["commit"] }
const collecting: BackendCase = { ...passing, name: "needs leftovers", needs: ["leftovers"] }
const telling: BackendCase = { ...passing, name: "has something to say", run: async ({ note }) => note("it was easy") }
const hanging: BackendCase = { ...passing, name: "hangs", run: () => new Promise(() => {}) }

const cases = [passing, failing, throwing, committing, collecting, telling]

async function registered(log: string[] = []): Promise<{ tests: Registered[]; printed: string[] }> {
  const tests: Registered[] = []
  const printed: string[] = []
  await describeBackend({
    test: (name, body, timeoutMs) => tests.push({ name, body, timeoutMs }),
    factory: () => storage(log),
    cases,
    timeoutMs: 1000,
    print: (text) => printed.push(text),
  })
  return { tests, printed }
}

test("a case that does not apply is not registered, so no runner counts it as passed", async () => {
  const { tests } = await registered()
  expect(tests.map(({ name }) => name)).toEqual([
    "passes",
    "fails",
    "throws",
    "needs leftovers",
    "has something to say",
  ])
  expect(tests.map(({ timeoutMs }) => timeoutMs)).toEqual(Array(5).fill(6000))
})

test("the table is printed when the last case has ended, whatever the order: case, result, why it was skipped", async () => {
  const { tests, printed } = await registered()
  const [first, ...rest] = tests
  for (const { body } of rest.reverse()) await body().catch(() => undefined)
  expect(printed).toEqual([])
  await first?.body()
  expect(printed).toEqual([
    [
      "conformance of stub (compare-and-swap by the process, 7 keys per delete)",
      "  case                  result",
      "  passes                passed",
      "  fails                 failed",
      "  throws                failed",
      "  needs commit          skipped  the backend has no commit",
      "  needs leftovers       passed",
      "  has something to say  passed   it was easy",
      "  3 passed, 2 failed, 1 skipped",
      "",
      "fails",
      "  what a user would lose: the latest checkpoint.",
      "  looked at: the bytes of a state",
      "  expected: <2 bytes: 01 02>",
      "  seen: <100000 bytes: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 …>",
      "",
      "throws",
      "  what a user would lose: the next save.",
      "  expected: no error",
      "  seen: BackendError (denied): no key",
      "",
    ].join("\n"),
  ])
})

test("the trace of an adapter's own error leads into the adapter", async () => {
  function deepInTheAdapter(): never {
    throw new TypeError("undefined is not a function")
  }
  const broken: BackendCase = { ...passing, run: async () => deepInTheAdapter() }
  const [result] = await checkBackend({ factory: () => storage(), cases: [broken] })
  expect(result?.error?.stack).toContain("deepInTheAdapter")
  expect(result?.error?.message).toContain("seen: TypeError: undefined is not a function")
})

test("a failure tells the loss to a user, the expectation and the observation", async () => {
  const { tests } = await registered()
  const messageOf = (name: string) =>
    tests
      .find((one) => one.name === name)
      ?.body()
      .then(
        () => "it passed",
        (error: Error) => error.message,
      )
  expect(await messageOf("fails")).toBe(
    [
      "fails",
      "  what a user would lose: the latest checkpoint.",
      "  looked at: the bytes of a state",
      "  expected: <2 bytes: 01 02>",
      "  seen: <100000 bytes: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 …>",
    ].join("\n"),
  )
  expect(await messageOf("throws")).toBe(
    [
      "throws",
      "  what a user would lose: the next save.",
      "  expected: no error",
      "  seen: BackendError (denied): no key",
    ].join("\n"),
  )
})

test("checkBackend gives the results in the order of the cases", async () => {
  const results = await checkBackend({ factory: () => storage(), cases })
  expect(results.map(({ name, result }) => `${name}: ${result}`)).toEqual([
    "passes: passed",
    "fails: failed",
    "throws: failed",
    "needs commit: skipped",
    "needs leftovers: passed",
    "has something to say: passed",
  ])
  expect(results[2]?.error?.cause).toBeInstanceOf(BackendError)
})

test("a case that hangs has failed", async () => {
  const [result] = await checkBackend({ factory: () => storage(), cases: [hanging], timeoutMs: 20 })
  expect(result?.result).toBe("failed")
  expect(result?.error?.message).toContain("no end after 20 ms")
})

test("each case has a storage of its own, and every backend is disposed of, even if the case fails", async () => {
  const log: string[] = []
  const opening: BackendCase = {
    ...failing,
    run: async ({ another }) => {
      await another()
      throw new Error("after it")
    },
  }
  await checkBackend({ factory: () => storage(log), cases: [passing, opening] })
  expect(log).toEqual([
    ...["opened", "backend disposed", "storage disposed"],
    ...["opened", "backend disposed", "storage disposed"],
    ...["opened", "opened", "backend disposed", "backend disposed", "storage disposed"],
  ])
})

test("every case tells the loss to a user in one sentence", () => {
  for (const { name, loses } of backendCases) {
    expect(loses, name).toMatch(/^[a-z].{20,160}\.$/)
    expect(loses.slice(0, -1), name).not.toMatch(/[.;]\s/)
  }
  expect(new Set(backendCases.map(({ loses }) => loses)).size).toBe(backendCases.length)
})
