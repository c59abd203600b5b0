import { findLayouts, type StoreEvent } from "@ckpt/core"
import type { OpenedStore } from "../../stores/opened.js"
import { contents } from "./contents.js"
import { type Finding, skipped } from "./finding.js"
import { permissions, permissionsCheck } from "./permissions.js"
import { reach } from "./reach.js"

/**
 * Examines a store and its storage, question by question.
 *
 * @param options.writes also try what a writer needs, with one small object that is removed again, if a store is there
 * @param options.events the store's events, which the caller goes on collecting
 * @throws {CheckpointError} `CKPT_DENIED`, `CKPT_TIMEOUT` or `CKPT_IO` if the storage cannot be reached
 */
export async function* examine(
  opened: OpenedStore,
  { writes, events, signal }: { writes: boolean; events: readonly StoreEvent[]; signal: AbortSignal },
): AsyncGenerator<Finding, void, void> {
  const { backend, prefix, folder, timeoutMs } = opened
  const place = { backend, prefix, folder, signal, timeoutMs }
  yield* reach(place)
  if (!writes) yield skipped(permissionsCheck, "--read-only was given")
  // A folder of something else, by a slip of the hand, is left as it is.
  else if ((await findLayouts({ backend, prefix, timeoutMs, signal })).length === 0)
    yield skipped(permissionsCheck, "no store is here, so nothing was written to try them")
  else yield* permissions(place)
  yield* contents({ opened, events, signal })
}
