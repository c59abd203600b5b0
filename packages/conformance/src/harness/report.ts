import { AssertionError } from "node:assert/strict"
import { inspect } from "node:util"
import type { ObjectBackend } from "@ckpt/core"
import type { BackendCase } from "./case.js"

/** What came of one case. */
export interface CaseResult {
  /** The case's name. */
  readonly name: string
  /** `skipped`: the backend lacks a part that the case needs. */
  readonly result: "passed" | "failed" | "skipped"
  /** Why the case was skipped, or remarks of a case that passed. */
  readonly notes: readonly string[]
  /** Its message tells the loss to a user, the expectation and the observation. */
  readonly error?: Error
}

/** A value on one short line. */
export function inspected(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shortened(value))
  if (value instanceof Uint8Array) {
    const shown = Buffer.from(value.subarray(0, 16))
      .toString("hex")
      .replace(/(..)(?!$)/g, "$1 ")
    return `<${value.length} bytes${shown === "" ? "" : `: ${shown}`}${value.length > 16 ? " …" : ""}>`
  }
  if (value instanceof Error) {
    const { kind } = value as { kind?: unknown }
    return shortened(`${value.name}${typeof kind === "string" ? ` (${kind})` : ""}: ${value.message}`)
  }
  return shortened(
    inspect(value, { depth: 3, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 8, maxStringLength: 200 }),
  )
}

function shortened(text: string): string {
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}

/** The calls that led to a failure, one on a line. */
const scripts = new WeakMap<Error, readonly string[]>()

/** The same error, with the calls that led to it. */
export function withScript(error: Error, calls: readonly string[]): Error {
  scripts.set(error, calls)
  return error
}

/** The failure of a case, in words for the author of the backend. */
export function failureOf(one: BackendCase, cause: unknown): Error {
  const { what, expected, seen } = findingOf(cause)
  const script = (cause instanceof Error && scripts.get(cause)) || []
  const message = [
    one.name,
    `  what a user would lose: ${one.loses}`,
    ...(what === undefined ? [] : [`  looked at: ${what}`]),
    `  expected: ${expected}`,
    `  seen: ${seen}`,
    ...(script.length === 0 ? [] : ["  the calls:", ...script.map((call, index) => `    ${index + 1}. ${call}`)]),
  ].join("\n")
  // Strings: of two large buffers a runner would print a diff byte by byte.
  const error = new AssertionError({ message, expected, actual: seen, operator: "conformance" })
  error.cause = cause
  // The lines of an adapter's own error lead into the adapter; those of this error would end here.
  if (cause instanceof Error && !(cause instanceof AssertionError))
    error.stack = `${error.name}: ${message}\n${framesOf(cause)}`
  return error
}

/** The failure of a scenario: what a store must hold, what was seen, and the calls to look at. */
export function scenarioFailure(
  { name }: { readonly name: string },
  layout: string,
  cause: unknown,
  calls: readonly string[],
): Error {
  const { what, expected, seen } = findingOf(cause)
  const message = [
    `${layout} layout: ${name}`,
    ...(what === undefined ? [] : [`  looked at: ${what}`]),
    `  expected: ${expected}`,
    `  seen: ${seen}`,
    "  the latest calls of its stores:",
    ...calls.map((call) => `    ${call}`),
  ].join("\n")
  const error = new AssertionError({ message, expected, actual: seen, operator: "scenario" })
  error.cause = cause
  if (cause instanceof Error) error.stack = `${error.name}: ${message}\n${framesOf(cause)}`
  return error
}

function framesOf({ stack = "" }: Error): string {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .join("\n")
}

function findingOf(cause: unknown): { what?: string; expected: string; seen: string } {
  if (!(cause instanceof AssertionError)) return { expected: "no error", seen: inspected(cause) }
  const { expected, actual } = cause
  const plain = (value: unknown) => (typeof value === "string" && cause.operator === "fail" ? value : inspected(value))
  return {
    // Only the first line: some versions of Node add a diff below a given message, byte by byte for buffers.
    ...(cause.generatedMessage ? {} : { what: cause.message.split("\n", 1)[0] ?? "" }),
    expected: plain(expected),
    seen: plain(actual),
  }
}

/**
 * The table at the end of a run: case, result, remarks; for a skipped case the part that the backend lacks. Then each failure once
 * more, so that nobody has to look for it among the passes.
 */
export function formatReport(
  backend: Pick<ObjectBackend, "name" | "capabilities">,
  results: readonly CaseResult[],
): string {
  const width = Math.max(...results.map(({ name }) => name.length), 4)
  const row = (name: string, result: string, notes: string) =>
    `  ${name.padEnd(width)}  ${result.padEnd(7)}  ${notes}`.trimEnd()
  const count = (result: CaseResult["result"]) => results.filter((one) => one.result === result).length
  const { compareAndSwap, maxDeleteBatch } = backend.capabilities
  return [
    `conformance of ${backend.name} (compare-and-swap by the ${compareAndSwap}, ${maxDeleteBatch} keys per delete)`,
    row("case", "result", ""),
    ...results.map(({ name, result, notes }) => row(name, result, notes.join("; "))),
    `  ${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`,
    ...results.flatMap(({ error }) => (error === undefined ? [] : ["", error.message])),
    "",
  ].join("\n")
}
