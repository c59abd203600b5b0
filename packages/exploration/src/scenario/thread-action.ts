export const threadNames = ["a", "b"] as const
export type ThreadName = (typeof threadNames)[number]

/**
 * The namespaces of a subgraph: one that is used once, and one with a memory of its own. The names are LangGraph's: what has a ":" in it
 * belongs to one task.
 */
type SubgraphName = "once:1" | "memory"

/** One step of a run: its checkpoint. */
export interface RunStep {
  /** The number of each channel's new large value. A channel that is left out keeps the value of the parent. */
  readonly sets: { readonly messages?: number; readonly notes?: number }
  /** So many tasks write on top of the checkpoint. */
  readonly tasks?: number
  /** The tasks write while the checkpoint is still on its way, as LangGraph lets them. */
  readonly early?: boolean
  /** The checkpoint needs its parent, as one with a `DeltaChannel` that was not stored does. */
  readonly delta?: boolean
  /** A checkpoint of a subgraph is stored too; `first`: before that of the graph, as with the durability "exit". */
  readonly subgraph?: { readonly name: SubgraphName; readonly first: boolean }
}

export interface PruneRules {
  readonly last?: number
  readonly withinMs?: number
  /** Counts backwards from the latest checkpoint that the thread ever had. */
  readonly keeps?: readonly number[]
}

/** Calls of a saver. `which` counts backwards from the latest checkpoint that is there; 0: none is named, the saver finds the latest. */
export type Threading =
  /** Reads a checkpoint and goes on from it, as an agent does. */
  | { readonly do: "run"; readonly thread: ThreadName; readonly which: number; readonly steps: readonly RunStep[] }
  | { readonly do: "put writes"; readonly thread: ThreadName; readonly which: number }
  | { readonly do: "get tuple"; readonly thread: ThreadName; readonly which: number }
  | { readonly do: "list tuples"; readonly thread: ThreadName }
  | { readonly do: "prune thread"; readonly thread: ThreadName; readonly rules: PruneRules }
  | { readonly do: "delete thread"; readonly thread: ThreadName }
  | { readonly do: "copy thread"; readonly from: ThreadName; readonly to: ThreadName }
  /** The storage damages an object of the thread, and heals it at the end of the schedule. */
  | {
      readonly do: "damage object"
      readonly thread: ThreadName
      readonly kind: "checkpoint" | "value"
      readonly which: number
    }
