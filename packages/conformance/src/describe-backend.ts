import type { ObjectBackend } from "@ckpt/core"
import { aFunction, anObject, checkOptions, type ShapeOf } from "@ckpt/core/adapter"
import { backendCases } from "./cases/index.js"
import { type BackendCase, type CaseOptions, caseShape, missing, runCase, timeoutOf } from "./harness/case.js"
import { assertGiven } from "./harness/given.js"
import { type CaseResult, failureOf, formatReport } from "./harness/report.js"

/** The options of {@link checkBackend}. */
export interface CheckOptions extends CaseOptions {
  /** Default: {@link backendCases}. */
  readonly cases?: readonly BackendCase[] | undefined
}

/** The options of {@link describeBackend}. */
export interface DescribeOptions extends CheckOptions {
  /** `test` of any runner: vitest, node:test, … */
  readonly test: (name: string, body: () => Promise<void>, timeoutMs: number) => unknown
  /** Takes the table when the last case has ended; default standard output. */
  readonly print?: ((text: string) => void) | undefined
}

const checkShape: ShapeOf<CheckOptions> = { ...caseShape, fields: { ...caseShape.fields, cases: anObject } }
const describeShape: ShapeOf<DescribeOptions> = {
  fields: { ...checkShape.fields, test: aFunction, print: aFunction },
  example: "{ test, factory }",
}

/** Runs the cases without any test runner, one after the other. */
export async function checkBackend(options: CheckOptions): Promise<CaseResult[]> {
  checkOptions("checkBackend", options, checkShape)
  assertGiven("checkBackend", options, ["factory"])
  const { cases = backendCases } = options
  const { skipped } = await inspectBackend(cases, options)
  const results: CaseResult[] = []
  for (const one of cases) results.push(skipped.get(one) ?? (await resultOf(one, options)))
  return results
}

/**
 * Registers the cases with a test runner, and prints a table when the last case has ended. Await it: it opens one
 * backend first. A case that needs a part which the backend lacks is not registered, so it never counts as passed.
 */
export async function describeBackend(options: DescribeOptions): Promise<void> {
  checkOptions("describeBackend", options, describeShape)
  assertGiven("describeBackend", options, ["factory", "test"])
  const { test, cases = backendCases } = options
  const print = options.print ?? ((text: string) => void process.stdout.write(text))
  const { backend, skipped: results } = await inspectBackend(cases, options)
  for (const one of cases) {
    if (results.has(one)) continue
    void test(
      one.name,
      async () => {
        const result = await resultOf(one, options)
        results.set(one, result)
        if (results.size === cases.length) {
          print(
            formatReport(
              backend,
              cases.flatMap((each) => results.get(each) ?? []),
            ),
          )
        }
        if (result.error !== undefined) throw result.error
      },
      // The runner's own limit comes later, so that a case that hangs still fails with its own message.
      timeoutOf(options) + 5_000,
    )
  }
}

type Described = Pick<ObjectBackend, "name" | "capabilities">

/** The backend's name and capabilities, and the results of the cases that need a part which it lacks. */
async function inspectBackend(
  cases: readonly BackendCase[],
  options: CaseOptions,
): Promise<{ backend: Described; skipped: Map<BackendCase, CaseResult> }> {
  const storage = await options.factory()
  try {
    const backend = await storage.open()
    try {
      const skipped = new Map<BackendCase, CaseResult>()
      for (const one of cases) {
        const lacks = missing(one, backend)
        if (lacks.length === 0) continue
        skipped.set(one, {
          name: one.name,
          result: "skipped",
          notes: lacks.map((need) => `the backend has no ${need}`),
        })
      }
      return { backend: { name: backend.name, capabilities: backend.capabilities }, skipped }
    } finally {
      await backend[Symbol.asyncDispose]()
    }
  } finally {
    await storage.dispose?.()
  }
}

async function resultOf(one: BackendCase, options: CaseOptions): Promise<CaseResult> {
  try {
    return { name: one.name, result: "passed", notes: await runCase(one, options) }
  } catch (error) {
    return { name: one.name, result: "failed", notes: [], error: failureOf(one, error) }
  }
}
