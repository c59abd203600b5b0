import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import {
  CheckpointError,
  type CheckpointErrorCode,
  type CheckpointManifest,
  type CheckpointStore,
  type CheckpointSummary,
  createManifest,
  type LayoutName,
  type ManifestInit,
  type Recovery,
  type StateReader,
  type StoreOperations,
} from "@ckpt/core"
import { bytesOf as bytes, textOf as text } from "../harness/bytes.js"
import { type CallInfo, dyingAt, withoutCommit } from "../harness/faults.js"
import type { ScenarioContext } from "../harness/scenario.js"

export { bytes, text }

/** Whole numbers, both ends included. */
export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

export function manifestOf(id: number, more: Partial<ManifestInit> = {}): CheckpointManifest {
  return createManifest({ checkpointId: id, epoch: id, ...more })
}

/** A manifest as other programs write it: without the fields that only this library knows. */
export function legacyManifest(id: number, more: object = {}): string {
  const fields = { version: 1, checkpoint_id: id, epoch: id, timestamp_ms: 1, vnode_count: 256, ...more }
  return JSON.stringify(fields, null, 2)
}

/** A pointer that names this checkpoint. */
export function pointerTo(layout: LayoutName, id: number): string {
  return layout === "objects" ? `{"checkpoint_id": ${id}}` : `checkpoint_${String(id).padStart(6, "0")}`
}

/** The fields of `history.json`, as they lie there. */
export async function historyAtRest({ peek, keys }: ScenarioContext): Promise<Record<string, unknown>> {
  return JSON.parse(text(await peek(keys.history)))
}

/**
 * The bytes of a history with these fields. Spelt out here, not taken from core: a scenario must fail if core changes the
 * bytes at rest.
 */
export function historyBytes({ checksum: _, ...fields }: Record<string, unknown>): string {
  const body = JSON.stringify(fields, null, 2).replace(/\n\}$/, "")
  return `${body},\n  "checksum": "${createHash("sha256").update(body).digest("hex")}"\n}`
}

/** The state that {@link saveAll} gives checkpoint `id`. */
/** True for the object by which a store asks its storage whether it honours conditions. */
export const isProbe = (key: string): boolean => key.includes(".ckpt-probe-")

export const stateText = (id: number): string => `the state of checkpoint ${id}`

/** Saves these ids, each with a state. */
export async function saveAll(store: StoreOperations, ...ids: number[]): Promise<void> {
  for (const id of ids) await store.save(manifestOf(id), { state: bytes(stateText(id)) })
}

/**
 * Lets a process do its work step by step and die at one call: before the call reaches the storage, or once it took effect.
 * What the work then resolves or rejects with is nobody's answer.
 */
export async function dies(
  { open }: ScenarioContext,
  at: "before" | "after",
  call: (info: CallInfo) => boolean,
  work: (store: CheckpointStore) => Promise<unknown>,
): Promise<void> {
  const { through, died } = dyingAt(call, at)
  const store = await open({ through: (backend) => through(withoutCommit(backend)) })
  await work(store).then(undefined, () => {})
  assert.ok(died(), "the process made no such call")
}

/** The reason of the rejection, which is asserted. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => assert.fail(`a rejection was expected, and the value was ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  )
}

/** Asserts a `CheckpointError` with this code, whose message gives advice and names the id. */
export async function refusal(
  promise: Promise<unknown>,
  code: CheckpointErrorCode,
  id?: number,
): Promise<CheckpointError> {
  const error = await rejection(promise)
  if (!(error instanceof CheckpointError)) throw new Error(`expected ${code}, got ${String(error)}`, { cause: error })
  if (error.code !== code) throw new Error(`expected ${code}, got ${error.code}: ${error.message}`, { cause: error })
  assert.match(error.message, /\. \S|\.$|must be|is not a field/, `advice is missing: ${error.message}`)
  if (id !== undefined) {
    assert.equal(error.checkpointId, id)
    assert.match(error.message, new RegExp(`\\b${id}\\b`))
  }
  return error
}

/** The ids that `list` shows. */
export async function listedIds(store: StoreOperations): Promise<number[]> {
  return (await listAll(store)).map(({ id }) => id)
}

export async function listAll(store: StoreOperations): Promise<CheckpointSummary[]> {
  const all: CheckpointSummary[] = []
  for await (const summary of store.list()) all.push(summary)
  return all
}

export async function readAll(reader: StateReader | undefined): Promise<string> {
  assert.ok(reader !== undefined, "there is no state")
  return text(await reader.bytes())
}

/** Asserts that exactly this checkpoint is recovered, with the state of {@link saveAll}. */
export async function assertRecovers(store: StoreOperations, id: number): Promise<Recovery> {
  const found = await store.recover()
  assert.equal(found.outcome, "recovered")
  assert.equal(found.checkpoint?.id, id)
  assert.equal(found.checkpoint?.manifest.checkpointId, id)
  assert.equal(await readAll(await found.checkpoint?.state()), stateText(id))
  return found
}

/** Asserts that exactly these bytes were read. */
export function assertBytes(seen: Uint8Array | undefined, expected: Uint8Array, what = "the bytes"): void {
  assert.ok(seen !== undefined, `${what}: nothing was read`)
  if (Buffer.compare(seen, expected) === 0) return
  assert.fail(`${what}: ${seen.length} bytes were read that are not the ${expected.length} expected ones`)
}

/** Asserts that a reader finds its checkpoint damaged. Gives the number of bytes that it handed over before. */
export async function bytesBeforeDamage(reader: StateReader | undefined, id: number): Promise<number> {
  assert.ok(reader !== undefined, "there is no state")
  let given = 0
  const reading = async () => {
    for await (const chunk of reader) given += chunk.length
  }
  await refusal(reading(), "CKPT_CORRUPT", id)
  return given
}

/** A copy with one byte changed. */
export function flipped(content: Uint8Array | undefined, index = 0): Uint8Array {
  assert.ok(content !== undefined && index < content.length)
  const copy = content.slice()
  copy[index] = (copy[index] as number) ^ 1
  return copy
}

export async function* streamOf(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === "string" ? bytes(chunk) : chunk
}

/** An item, which must exist. */
export function nth<T>(items: readonly T[], index: number): T {
  assert.ok(index < items.length)
  return items[index] as T
}
