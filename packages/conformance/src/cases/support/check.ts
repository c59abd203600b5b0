import assert from "node:assert/strict"
import {
  BackendError,
  type BackendErrorKind,
  type GetOptions,
  type ObjectBackend,
  type ObjectContent,
  type ObjectMeta,
} from "@ckpt/core"
import { inspected } from "../../harness/report.js"
import { nextTurn } from "../../harness/waiting.js"

/** Fails with an expectation and an observation. */
export function fail(what: string, expected: unknown, seen: unknown): never {
  throw new assert.AssertionError({ message: what, expected, actual: seen, operator: "fail" })
}

export function same<T>(seen: T, expected: T, what: string): void {
  assert.deepEqual(seen, expected, what)
}

export function sameBytes(seen: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(seen, expected) === 0) return
  let at = 0
  while (at < seen.length && at < expected.length && seen[at] === expected[at]) at++
  const from = (bytes: Uint8Array) => `${bytes.length} bytes; at ${at}: ${inspected(bytes.subarray(at, at + 16))}`
  fail(`${what} (they differ from byte ${at} on)`, from(expected), from(seen))
}

export type Outcome<T> =
  | { readonly value: T; readonly error?: never }
  | { readonly value?: never; readonly error: unknown }

/** Never rejects: a call may go on unobserved while something else is asserted. */
export function outcome<T>(promise: Promise<T>): Promise<Outcome<T>> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
}

/** The reason of the rejection, which is asserted. */
async function rejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  const seen = await outcome(promise)
  return "error" in seen ? seen.error : fail(what, "a rejection", seen.value)
}

/** Asserts a rejection with exactly this value: the reason of a signal, or the error of a body. */
export async function rejectsWith(promise: Promise<unknown>, reason: unknown, what: string): Promise<void> {
  const seen = await rejection(promise, what)
  if (seen !== reason) fail(what, reason, seen)
}

const kinds: readonly BackendErrorKind[] = [
  "precondition",
  "ambiguous",
  "transient",
  "denied",
  "full",
  "damaged",
  "permanent",
]

/** Asserts that core takes this for a `BackendError`, even one of another copy of core. */
export function checkBackendError(error: unknown, what: string): BackendError {
  const brand = Symbol.for("@ckpt/core.BackendError")
  if (!(error instanceof Error) || (error as unknown as Record<symbol, unknown>)[brand] !== true) {
    fail(what, "a BackendError", error)
  }
  const { kind, message, unsettleable } = error as BackendError
  if (!kinds.includes(kind)) fail(`${what}: the kind of the error`, kinds, kind)
  if (typeof message !== "string" || message === "") fail(`${what}: the message`, "a text", message)
  same(typeof unsettleable, "boolean", `${what}: unsettleable of the error`)
  return error as BackendError
}

/** Asserts a rejection with a `BackendError` of this kind. */
export async function rejectsAs(
  kind: BackendErrorKind,
  promise: Promise<unknown>,
  what: string,
): Promise<BackendError> {
  const error = checkBackendError(await rejection(promise, what), what)
  if (error.kind !== kind) fail(what, `a BackendError of kind ${kind}`, error)
  return error
}

export async function readAll(content: ObjectContent): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content.body) {
    if (!(chunk instanceof Uint8Array)) fail("the body yields bytes", "a Uint8Array", chunk)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The bytes of an object, which must exist. */
export async function read(backend: ObjectBackend, key: string, options?: GetOptions): Promise<Uint8Array> {
  return readAll(await opened(backend, key, options))
}

/** An object, which must exist. */
export async function opened(backend: ObjectBackend, key: string, options?: GetOptions): Promise<ObjectContent> {
  return (await backend.get(key, options)) ?? fail(`get of ${inspected(key)}`, "the object", undefined)
}

/** Asserts that get, head and list all show this object and these bytes. */
export async function holds(backend: ObjectBackend, key: string, bytes: Uint8Array, what: string): Promise<ObjectMeta> {
  const { meta, ...content } = await opened(backend, key)
  sameBytes(await readAll({ meta, ...content }), bytes, what)
  const expected = { key, size: bytes.length, version: meta.version }
  same(identity(meta), expected, `${what}: the meta of get`)
  same(identity(await backend.head(key)), expected, `${what}: head`)
  same((await listed(backend, key)).filter((one) => one.key === key).map(identity), [expected], `${what}: list`)
  return meta
}

/** The part of an object's meta that is the same from every call. */
export function identity(meta: ObjectMeta | undefined): Pick<ObjectMeta, "key" | "size" | "version"> | undefined {
  return meta && { key: meta.key, size: meta.size, version: meta.version }
}

/** Asserts that get, head and list show no object at this key. */
export async function isAbsent(backend: ObjectBackend, key: string, what: string): Promise<void> {
  same(await backend.head(key), undefined, `${what}: head`)
  same((await backend.get(key))?.meta, undefined, `${what}: get`)
  same((await keysOf(backend, key)).includes(key), false, `${what}: it is listed`)
}

/** The objects under a prefix. Names that end in "/" are left out: they are taken, but not by an object. */
export async function listed(backend: ObjectBackend, prefix: string): Promise<ObjectMeta[]> {
  const metas: ObjectMeta[] = []
  for await (const meta of backend.list(prefix)) if (!meta.key.endsWith("/")) metas.push(meta)
  return metas
}

/** The keys under a prefix, sorted. A key that is listed twice is there twice. */
export async function keysOf(backend: ObjectBackend, prefix: string): Promise<string[]> {
  return (await listed(backend, prefix)).map(({ key }) => key).sort()
}

/** Asserts that two sorted lists of keys are equal. The failure names at most three keys of each difference. */
export function sameKeys(seen: readonly string[], expected: readonly string[], what: string): void {
  const [has, wanted] = [new Set(seen), new Set(expected)]
  const told = (keys: readonly string[]) =>
    `${keys.length}${keys.length === 0 ? "" : `: ${inspected(keys.slice(0, 3))}`}`
  const lacking = expected.filter((key) => !has.has(key))
  const surplus = seen.filter((key) => !wanted.has(key))
  const twice = seen.filter((key, index) => key === seen[index - 1])
  if (lacking.length + surplus.length + twice.length === 0) return
  fail(
    what,
    `${expected.length} keys, each once`,
    `${seen.length} keys; missing ${told(lacking)}; unexpected ${told(surplus)}; twice ${told(twice)}`,
  )
}

/** Deletes these keys in batches of `maxDeleteBatch`; no key may fail. */
export async function deleteAll(backend: ObjectBackend, keys: readonly string[], what: string): Promise<void> {
  // Another case checks that the number is sensible; here the loop must come to its end.
  const batch = Math.max(1, backend.capabilities.maxDeleteBatch)
  for (let start = 0; start < keys.length; start += batch) {
    same(await backend.delete(keys.slice(start, start + batch)), [], `the failures of ${what}`)
  }
}

/** Tries again on `transient`, as core does: under contention a storage may answer so. */
export async function persisting<T>(one: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await one()
    } catch (error) {
      if (!(error instanceof BackendError) || error.kind !== "transient" || attempt === 50) throw error
      await nextTurn()
    }
  }
}

/** Asserts that exactly one racer succeeded and every other one saw a failed condition. Returns the winner's index. */
export function oneWinner(outcomes: readonly Outcome<unknown>[], what: string): number {
  const winners = outcomes.flatMap((one, index) => ("error" in one ? [] : [index]))
  const [winner] = winners
  if (winner === undefined || winners.length !== 1) {
    fail(what, `1 of ${outcomes.length} wins`, `${winners.length} of ${outcomes.length} were told that they had won`)
  }
  for (const one of outcomes) {
    if (!("error" in one)) continue
    const error = checkBackendError(one.error, `${what}: a loser`)
    if (error.kind !== "precondition") fail(`${what}: a loser`, "a BackendError of kind precondition", error)
  }
  return winner
}
