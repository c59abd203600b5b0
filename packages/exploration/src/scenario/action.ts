import type { RetentionPolicy } from "@ckpt/core"
import type { Threading } from "./thread-action.js"

/** Policies that a plan can name. A schedule is written down as JSON, so the policy with a function has a name too. */
export type PolicyName = "last 1" | "last 2" | "every 2" | "every 3" | "within 10 s" | "keep odd contents"

/** `keepIf` decides by the content, so that every process decides the same of a checkpoint. */
export const policies: Readonly<Record<PolicyName, RetentionPolicy>> = {
  "last 1": { last: 1 },
  "last 2": { last: 2 },
  "every 2": { every: 2 },
  "every 3": { every: 3 },
  "within 10 s": { withinMs: 10_000 },
  "keep odd contents": { keepIf: (summary) => (summary.epoch ?? 0) % 2 === 1 },
}

/** Actions that write checkpoints. */
export type Writing =
  | { readonly do: "claim" | "release" | "repair" }
  /** The next id of this process; `state`: with a state; `ahead`: written before by writeState. */
  | { readonly do: "save"; readonly state?: boolean; readonly ahead?: boolean; readonly source?: Source }
  /** The last save of this process once more, with the same manifest and state. */
  | { readonly do: "save again" }
  | { readonly do: "update"; readonly which: number }

/** Actions that read checkpoints. */
export type Reading =
  | { readonly do: "recover" | "loadLatest" | "list" | "ids" | "nextId" | "restore" }
  | { readonly do: "readState" | "load" | "verify"; readonly which: number }

/** Actions that remove checkpoints, and pins, which keep them. */
export type Keeping =
  | { readonly do: "remove"; readonly which: number }
  | { readonly do: "prune"; readonly policy: PolicyName }
  | { readonly do: "collectOrphans"; readonly olderThanMs: number }
  | { readonly do: "pin"; readonly which: number; readonly name: string }
  | { readonly do: "unpin"; readonly name: string }
  | { readonly do: "pins" }

/** A state that comes as a stream, piece by piece; or that fails between two pieces. */
export type Source = "slow" | "failing"

/** What befalls the storage besides its stores. `after`: so many requests of this process come first. */
export type Damage = (
  | { readonly do: "damage history" | "damage pointer"; readonly how: SmallDamage; readonly ago: number }
  | { readonly do: "damage manifest"; readonly how: ManifestDamage; readonly which: number }
  | { readonly do: "damage state"; readonly how: StateDamage; readonly which: number }
  /** A manifest is put back as it was so many writes ago, before updates and marks. */
  | { readonly do: "roll manifest back"; readonly which: number; readonly ago: number }
  /** The storage loses a part of a checkpoint. Nobody asked for it, and nobody is told. */
  | { readonly do: "lose"; readonly part: LostPart; readonly which: number }
  /** A rule of the storage removes what was last written longer ago than this. */
  | { readonly do: "expire"; readonly what: Expiring; readonly olderThanMs: number }
) & { readonly after: number }

/** What other programs do. */
type Foreign =
  | Damage
  /** The reference, which knows nothing of histories, and writes beside us. */
  | { readonly do: "reference save" | "reference update" | "reference prune" }

/** `roll back`: the version of `ago` writes ago is put back. */
export const smallDamages = ["delete", "garble", "roll back"] as const
type SmallDamage = (typeof smallDamages)[number]

export const stateDamages = ["flip", "cut", "empty", "of another id"] as const
export type StateDamage = (typeof stateDamages)[number]

export const expiring = ["states", "manifests", "everything"] as const
export type Expiring = (typeof expiring)[number]

export const manifestDamages = ["delete", "cut", "empty", "of another id", "of a newer version"] as const
export type ManifestDamage = (typeof manifestDamages)[number]

export const lostParts = ["manifest", "state", "both"] as const
type LostPart = (typeof lostParts)[number]

/** The store of the process is closed, whatever is under way; or a new one is opened in its place. */
type Life = { readonly do: "close" | "open" }

type Timing =
  /** The storage's clock goes on. */
  | { readonly do: "wait"; readonly ms: number }
  /** The clock of this process jumps to `ms` after the storage's clock. */
  | { readonly do: "jump"; readonly ms: number }

/** One call of a process. `which` counts backwards from the highest id that ever had an object. */
export type Action = (Writing | Reading | Keeping | Foreign | Life | Timing | Threading) & {
  /** The next action begins at once, while this one is still under way. */
  readonly meanwhile?: boolean
  /**
   * Its caller gives it up with the so-manieth move of the process since it began: when a request is sent, or when an answer arrives
   * and nobody has taken note of it yet.
   */
  readonly abortAt?: number
}

export function describeAction(action: Action): string {
  const { do: what, meanwhile, ...rest } = action
  const details = Object.entries(rest)
    .filter(([, value]) => value !== false)
    .map(([key, value]) =>
      value === true ? key : `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`,
    )
  return [what, ...details, ...(meanwhile === true ? ["(and goes on)"] : [])].join(" ")
}
