import type { RetentionPolicy } from "@ckpt/core"

/** Policies that a plan can name; a schedule is written down as JSON, so `keep` is one fixed rule. */
export type PolicyName = "last 1" | "last 2" | "every 2" | "every 3" | "within 10 s" | "keep odd contents"

/** Deciding by the content keeps a policy the same for everybody who looks at a checkpoint. */
export const policies: Readonly<Record<PolicyName, RetentionPolicy>> = {
  "last 1": { last: 1 },
  "last 2": { last: 2 },
  "every 2": { every: 2 },
  "every 3": { every: 3 },
  "within 10 s": { withinMs: 10_000 },
  "keep odd contents": { keepIf: (summary) => (summary.epoch ?? 0) % 2 === 1 },
}

/** What writes checkpoints. */
export type Writing =
  | { readonly do: "claim" }
  /** The next id of this process; `state`: with a state; `ahead`: written before by writeState. */
  | { readonly do: "save"; readonly state?: boolean; readonly ahead?: boolean }
  /** The last save of this process once more, with the same manifest and state. */
  | { readonly do: "save again" }
  | { readonly do: "update"; readonly which: number }

/** What reads checkpoints. */
export type Reading =
  | { readonly do: "recover" | "loadLatest" | "list" | "ids" | "nextId" | "restore" }
  | { readonly do: "readState" | "load" | "verify"; readonly which: number }

/** What removes checkpoints, and what keeps them from it. */
export type Keeping =
  | { readonly do: "remove"; readonly which: number }
  | { readonly do: "prune"; readonly policy: PolicyName }
  | { readonly do: "collectOrphans"; readonly olderThanMs: number }
  | { readonly do: "pin"; readonly which: number; readonly name: string }
  | { readonly do: "unpin"; readonly name: string }
  | { readonly do: "pins" }

type Timing =
  /** The storage's clock goes on. */
  | { readonly do: "wait"; readonly ms: number }
  /** This process' clock jumps to so far from the storage's. */
  | { readonly do: "jump"; readonly ms: number }

/** One thing that a process does. `which` counts backwards from the latest checkpoint that was ever seen. */
export type Action = (Writing | Reading | Keeping | Timing) & {
  /** The next action begins at once, while this one is still under way. */
  readonly meanwhile?: boolean
}

export function describeAction(action: Action): string {
  const { do: what, meanwhile, ...rest } = action
  const details = Object.entries(rest)
    .filter(([, value]) => value !== false)
    .map(([key, value]) => (value === true ? key : `${key} ${value}`))
  return [what, ...details, ...(meanwhile === true ? ["(and goes on)"] : [])].join(" ")
}
