import { setTimeout as sleep } from "node:timers/promises"
import { CheckpointError, type StoreOperations } from "@ckpt/core"
import { inOrder } from "./in-order.js"
import { bytesOf } from "./operators.js"
import { load } from "./rows.js"
import { lagOf } from "./times.js"
import { isGone } from "./verify.js"

/** A checkpoint that a watch tells. */
interface Arrival {
  readonly kind: "latest" | "new"
  readonly id: number
  readonly valid: boolean
  /** The code of what is wrong with it. */
  readonly problem?: string
  /** When it was taken, by the writer's clock: milliseconds since 1970. Absent if its manifest cannot be read. */
  readonly timestampMs?: number
  /** Milliseconds since the checkpoint before was taken. Absent for the first. */
  readonly intervalMs?: number
  /** Milliseconds that its watermark lies behind the time when it was taken, if the watermark looks like a time. */
  readonly lagMs?: number
  /** Bytes of its state. */
  readonly bytes?: number
}

/** What a watch tells. `none`: there is no checkpoint yet. `outage`: the storage did not answer; the watch goes on. */
export type WatchEvent =
  | Arrival
  | { readonly kind: "none" }
  | { readonly kind: "removed"; readonly id: number }
  | { readonly kind: "outage"; readonly error: CheckpointError }

/**
 * Looks at a store again and again: first the latest checkpoint, or that there is none, then each new one, and each that is gone. Ends by the signal alone,
 * with its reason.
 *
 * @throws {CheckpointError} what does not pass by itself, such as `CKPT_DENIED`
 */
export async function* watch(
  store: StoreOperations,
  { everyMs, signal }: { everyMs: number; signal: AbortSignal },
): AsyncGenerator<WatchEvent, never, void> {
  /** What was told, or was there before. Absent until the first look succeeded. */
  let known: Set<number> | undefined
  let before: number | undefined
  for (;;) {
    try {
      const ids: readonly number[] = await store.ids({ signal })
      const kind = known === undefined ? "latest" : "new"
      const told: Set<number> = known ?? new Set(ids.slice(0, -1))
      const there = new Set(ids)
      for (const id of [...told]) {
        if (there.has(id)) continue
        told.delete(id)
        yield { kind: "removed", id }
      }
      const fresh = ids.filter((id) => !told.has(id))
      for await (const arrival of inOrder(fresh, 8, (id) => look(store, id, signal))) {
        if (arrival === undefined) continue
        const { id, timestampMs } = arrival
        const interval = before === undefined || timestampMs === undefined ? {} : { intervalMs: timestampMs - before }
        // A failure of the next one must not have this one told again.
        told.add(id)
        before = timestampMs ?? before
        yield { kind, ...arrival, ...interval }
      }
      if (known === undefined && ids.length === 0) yield { kind: "none" }
      // What was the latest is gone already: then the next look begins.
      if (kind === "new" || fresh.every((id) => told.has(id))) known = told
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof CheckpointError && error.retryable)) throw error
      yield { kind: "outage", error }
    }
    await sleep(everyMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

/** `undefined` for a checkpoint that is gone already: a watch that looks seldom, on a store that keeps few. */
async function look(
  store: StoreOperations,
  id: number,
  signal: AbortSignal,
): Promise<Omit<Arrival, "kind"> | undefined> {
  const verdict = await store.verify(id, { depth: "shallow", signal })
  if (isGone(verdict)) return undefined
  const { valid, issues } = verdict
  const problem = issues.find(({ severity }) => severity === "fatal")?.code
  const manifest = await load(store, id, signal)
  if (manifest === undefined) return { id, valid, ...(problem === undefined ? {} : { problem }) }
  const { timestampMs } = manifest
  const lagMs = lagOf(manifest)
  return {
    ...{ id, valid, timestampMs },
    ...(problem === undefined ? {} : { problem }),
    // An inline state of a damaged manifest may be no base64.
    ...(valid ? { bytes: bytesOf(manifest) } : {}),
    ...(lagMs === undefined ? {} : { lagMs }),
  }
}
