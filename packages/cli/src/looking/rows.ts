import {
  CheckpointError,
  type CheckpointManifest,
  type CheckpointSummary,
  type NamedMap,
  type SinkCommitStatus,
  type StoreOperations,
} from "@ckpt/core"
import { inOrder } from "./in-order.js"

/** A checkpoint as a list shows it: its summary, and the sinks, which a summary lacks. */
export interface Row extends CheckpointSummary {
  /** Bytes of its state, in `state.bin` or in the manifest. Absent if the manifest cannot be read. */
  readonly bytes?: number
  /** Whether each sink has committed. Absent without sinks. */
  readonly sinks?: NamedMap<SinkCommitStatus>
}

const atOnce = 16

/**
 * All checkpoints, ascending by id, as they are read: nothing waits for the end of the list.
 *
 * @param options.last the newest ones alone, so many
 */
export function rows(
  store: StoreOperations,
  { last, signal }: { readonly last?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Row, void, void> {
  const all = store.list({ signal })
  return inOrder(last === undefined ? all : newest(all, last), atOnce, async (summary) => {
    const sinks = summary.valid ? (await load(store, summary.id, signal))?.sinkCommitStatuses : undefined
    const bytes = stateBytes(summary)
    return {
      ...summary,
      ...(bytes === undefined ? {} : { bytes }),
      ...(sinks === undefined || Object.keys(sinks).length === 0 ? {} : { sinks }),
    }
  })
}

async function* newest(
  all: AsyncIterable<CheckpointSummary>,
  count: number,
): AsyncGenerator<CheckpointSummary, void, void> {
  let kept: CheckpointSummary[] = []
  for await (const summary of all) {
    kept.push(summary)
    if (kept.length >= 2 * count) kept = kept.slice(-count)
  }
  yield* kept.slice(-count)
}

/** The manifest; `undefined` if it is damaged, or gone meanwhile. */
export async function load(
  store: StoreOperations,
  id: number,
  signal: AbortSignal | undefined,
): Promise<CheckpointManifest | undefined> {
  try {
    return await store.load(id, { signal })
  } catch (error) {
    if (error instanceof CheckpointError && error.code === "CKPT_CORRUPT") return undefined
    throw error
  }
}

/** Bytes of the states of all operators, or of the one state. */
export function stateBytes({ stateSize, operators = {} }: Pick<CheckpointSummary, "stateSize" | "operators">) {
  if (stateSize === undefined) return undefined
  // What is inline is not in `state.bin`.
  return Math.max(
    stateSize,
    Object.values(operators).reduce((sum, bytes) => sum + bytes, 0),
  )
}

/** What is wrong with a checkpoint: its first fatal issue; otherwise its first warning. */
export function problemOf({ issues }: Pick<CheckpointSummary, "issues">) {
  return issues.find(({ severity }) => severity === "fatal") ?? issues[0]
}
