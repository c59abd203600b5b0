import { setTimeout as sleep } from "node:timers/promises"
import { CheckpointError, type StoreOperations } from "@ckpt/core"
import { lagOf } from "./describe.js"
import { inOrder } from "./in-order.js"
import { bytesOf } from "./operators.js"
import { load } from "./rows.js"

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

/** What a watch tells. `outage`: the storage did not answer; the watch goes on. */
export type WatchEvent =
  | Arrival
  | { readonly kind: "removed"; readonly id: number }
  | { readonly kind: "outage"; readonly error: CheckpointError }

/**
 * Looks at a store again and again: first the latest checkpoint, then each new one, and each that is gone. Ends by the signal alone,
 * with its reason.
 *
 * @throws {CheckpointError} what does not pass by itself, such as `CKPT_DENIED`
 */
export async function* watch(
  store: StoreOperations,
  { everyMs, signal }: { everyMs: number; signal: AbortSignal },
): AsyncGenerator<WatchEvent, never, void> {
  let known: ReadonlySet<number> | undefined
  let before: number | undefined
  for (;;) {
    try {
      const ids: readonly number[] = await store.ids({ signal })
      const seen: ReadonlySet<number> | undefined = known
      const fresh = seen === undefined ? ids.slice(-1) : ids.filter((id) => !seen.has(id))
      const kind = seen === undefined ? "latest" : "new"
      const there = new Set(ids)
      for (const id of seen ?? []) if (!there.has(id)) yield { kind: "removed", id }
      for await (const arrival of inOrder(fresh, 8, (id) => look(store, id, signal))) {
        const { timestampMs } = arrival
        const interval = before === undefined || timestampMs === undefined ? {} : { intervalMs: timestampMs - before }
        yield { kind, ...arrival, ...interval }
        before = timestampMs ?? before
      }
      known = there
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof CheckpointError && error.retryable)) throw error
      yield { kind: "outage", error }
    }
    await sleep(everyMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

async function look(store: StoreOperations, id: number, signal: AbortSignal): Promise<Omit<Arrival, "kind">> {
  const { valid, issues } = await store.verify(id, { depth: "shallow", signal })
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
