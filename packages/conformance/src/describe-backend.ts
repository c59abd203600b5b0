import type { ObjectBackend } from "@ckpt/core"
import { backendCases } from "./cases/index.js"
import { type BackendCase, type CaseOptions, defaultTimeoutMs, missing, runCase } from "./harness/case.js"
import { type CaseResult, failureOf, formatReport } from "./harness/report.js"

export interface CheckOptions extends CaseOptions {
  /** Default: all. */
  readonly cases?: readonly BackendCase[] | undefined
}

export interface DescribeOptions extends CheckOptions {
  /** Of any runner: `test` of vitest, `test` of node:test, … */
  readonly test: (name: string, body: () => Promise<void>, timeoutMs: number) => unknown
  /** Where the table goes when the last case has ended; default standard output. */
  readonly print?: ((text: string) => void) | undefined
}

/** Runs the cases without any test runner, one after the other. */
export async function checkBackend(options: CheckOptions): Promise<CaseResult[]> {
  const { cases = backendCases } = options
  const { skipped } = await whatApplies(cases, options)
  const results: CaseResult[] = []
  for (const one of cases) results.push(skipped.get(one) ?? (await resultOf(one, options)))
  return results
}

/**
 * Registers the cases with a test runner, and prints a table when the last of them has ended. To be awaited: it opens one
 * backend first, to see what it offers, so that a case that does not apply is never shown as a test that passed.
 */
export async function describeBackend(options: DescribeOptions): Promise<void> {
  const { test, cases = backendCases, timeoutMs = defaultTimeoutMs } = options
  const print = options.print ?? ((text: string) => void process.stdout.write(text))
  const { backend, skipped: results } = await whatApplies(cases, options)
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
      // The runner's own limit comes later, so that a case that hangs still says what that means.
      timeoutMs + 5_000,
    )
  }
}

type Described = Pick<ObjectBackend, "name" | "capabilities">

/** What the backend is, and the results of the cases that it makes pointless. */
async function whatApplies(
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
