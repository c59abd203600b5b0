import type { StoreEvent } from "@ckpt/core"
import type { OpenedStore } from "../../stores/opened.js"
import { contents } from "./contents.js"
import { type Finding, skipped } from "./finding.js"
import { permissions, reach } from "./storage.js"

/**
 * Examines a store and its storage, question by question.
 *
 * @param options.writes also try what a writer needs, with one small object that is removed again
 * @param options.events the store's events, which the caller goes on collecting
 * @throws {CheckpointError} `CKPT_DENIED`, `CKPT_TIMEOUT` or `CKPT_IO` if the storage cannot be reached
 */
export async function* examine(
  opened: OpenedStore,
  { writes, events, signal }: { writes: boolean; events: readonly StoreEvent[]; signal: AbortSignal },
): AsyncGenerator<Finding, void, void> {
  const place = { backend: opened.backend, prefix: opened.prefix, signal }
  yield* reach(place)
  if (writes) yield* permissions(place)
  else yield skipped("permissions of a writer", "--read-only was given")
  yield* contents({ opened, events, signal })
}
