import type { LayoutName } from "@ckpt/core"
import type { Action, PolicyName } from "./action.js"
import type { StartName } from "./starts.js"

type Weights = Readonly<Partial<Record<Action["do"], number>>>

/** From what the scenarios of one kind are drawn. */
export interface Plan {
  readonly says: string
  readonly processes: readonly number[]
  readonly actions: readonly number[]
  readonly weights: Weights
  readonly starts: readonly StartName[]
  readonly policies?: readonly PolicyName[]
  readonly ages?: readonly number[]
  /** Actions of the first processes in place of `weights`: the first role is that of the first process. */
  readonly roles?: readonly {
    readonly first?: Action
    readonly weights: Weights
    readonly actions: readonly number[]
  }[]
  /** How likely a process begins with a claim. */
  readonly claimsFirst?: number
  /** How likely the last process only reads. */
  readonly observer?: number
  /** How likely an action goes on while the next one begins. */
  readonly meanwhile?: number
  readonly retain?: number
  /** False: every request arrives once, and is answered. Default true. */
  readonly faults?: boolean
  /** How likely the answer to a write arrives later. Default 0. */
  readonly slowAnswer?: number
  /** How likely a page of a listing lags. Default 0. */
  readonly lags?: number
  /** How likely an object is lost before a request. Default 0. */
  readonly loses?: number
  /** How likely a state is written ahead of its save. Default 0.05. */
  readonly ahead?: number
  /** See {@link Scenario.layout}. */
  readonly layout?: LayoutName
}

const plainStarts: StartName[] = ["nothing", "nothing", "two", "three, pointer behind", "three, no pointer"]
const claimedStarts: StartName[] = ["nothing", "two", "three, pointer behind", "claimed", "claimed twice"]
export const policyNames: PolicyName[] = [
  "last 1",
  "last 1",
  "last 2",
  "every 2",
  "every 3",
  "within 10 s",
  "keep odd contents",
]
export const reading: Weights = {
  recover: 3,
  restore: 3,
  loadLatest: 4,
  list: 1,
  readState: 3,
  nextId: 0.3,
  load: 0.3,
  pins: 0.2,
}

const looking: Weights = { recover: 3, restore: 1, loadLatest: 3, list: 1.5, ids: 1, nextId: 0.3, load: 0.3, save: 1 }

export const plans = {
  plain: {
    says: "plain stores that save, update and read",
    processes: [2, 2, 2, 3],
    actions: [1, 2, 3, 3],
    weights: { save: 6, "save again": 1, update: 1, recover: 2, loadLatest: 1 },
    starts: plainStarts,
    observer: 0.4,
    meanwhile: 0.1,
  },
  updates: {
    says: "writers that update the same few checkpoints at once",
    processes: [2, 2, 3],
    actions: [2, 3, 4],
    weights: { update: 8, save: 1, prune: 0.5, claim: 0.3, load: 0.5 },
    starts: ["two", "two", "three, pointer behind", "claimed"],
    claimsFirst: 0.1,
    meanwhile: 0.2,
  },
  retention: {
    says: "plain stores with retention",
    processes: [2, 2, 3],
    actions: [1, 2, 3, 3],
    weights: { save: 5, "save again": 0.5, prune: 4, remove: 1, recover: 1, update: 1, readState: 0.5, wait: 0.5 },
    starts: ["two", "three, pointer behind", "three, no pointer", "two and old orphans", "near a million"],
    observer: 0.4,
    meanwhile: 0.1,
    retain: 0.15,
  },
  collection: {
    says: "plain stores with collection of orphans, by clocks that are years off",
    processes: [2, 2, 3],
    actions: [1, 2, 3, 3],
    weights: { save: 5, collectOrphans: 4, wait: 2, jump: 1, recover: 1, prune: 1, "save again": 0.5 },
    starts: ["nothing", "two", "two and old orphans", "two and old orphans"],
    observer: 0.2,
    meanwhile: 0.15,
  },
  claims: {
    says: "writers that claim",
    processes: [2, 2, 3],
    actions: [1, 2, 3, 3],
    weights: { save: 6, "save again": 1, claim: 1.5, recover: 2, loadLatest: 1, update: 1, jump: 0.3 },
    starts: claimedStarts,
    claimsFirst: 0.9,
    observer: 0.4,
    meanwhile: 0.15,
  },
  superseded: {
    says: "a writer is superseded while it saves and updates",
    processes: [2, 2, 3],
    actions: [1, 2],
    weights: { save: 1 },
    roles: [
      { first: { do: "claim" }, weights: { save: 4, update: 2, "save again": 0.3 }, actions: [1, 2, 2] },
      { first: { do: "claim" }, weights: { recover: 1, save: 3, loadLatest: 1, prune: 0.5 }, actions: [1, 2] },
    ],
    starts: ["two", "claimed", "claimed", "claimed twice"],
    observer: 1,
  },
  "claims and deletes": {
    says: "writers that claim, with retention and collection",
    processes: [2, 2, 3],
    actions: [1, 2, 3, 3],
    weights: {
      save: 5,
      claim: 1,
      recover: 1.5,
      prune: 3,
      collectOrphans: 1,
      remove: 0.5,
      wait: 1,
      update: 0.5,
      jump: 0.3,
    },
    starts: claimedStarts,
    claimsFirst: 0.85,
    observer: 0.3,
    meanwhile: 0.1,
    retain: 0.15,
  },
  "first claim": {
    says: "a store that was plain is claimed while plain writers go on",
    processes: [2, 3],
    actions: [1, 2, 3],
    weights: { save: 6, claim: 2, recover: 1, update: 1, prune: 0.5 },
    starts: ["nothing", "two", "three, pointer behind", "three, no pointer"],
    claimsFirst: 0.4,
    observer: 0.4,
  },
  pins: {
    says: "savepoints, while others save and delete",
    processes: [2, 2, 3],
    actions: [1, 2, 3, 3],
    weights: {
      save: 4,
      pin: 4,
      unpin: 1,
      pins: 0.5,
      prune: 3,
      remove: 1,
      collectOrphans: 0.3,
      recover: 0.5,
      claim: 0.2,
    },
    starts: ["two", "three, pointer behind", "three, no pointer", "two and old orphans", "claimed", "claimed twice"],
    claimsFirst: 0.3,
    observer: 0.1,
    meanwhile: 0.15,
    retain: 0.1,
  },
  readers: {
    says: "a reader while another saves and deletes",
    processes: [2, 2, 2, 3],
    actions: [1, 2, 3],
    weights: reading,
    roles: [{ first: { do: "save" }, weights: { prune: 5, save: 2, remove: 0.5 }, actions: [1, 1, 2] }],
    starts: ["two", "two", "three, pointer behind", "near a million", "near a million", "claimed"],
    policies: ["last 1", "last 1", "every 2", "every 2", "every 3", "keep odd contents", "keep odd contents"],
    observer: 1,
  },
  "slow saves": {
    says: "a save that stands still while others save and delete",
    processes: [2, 2, 2, 3],
    actions: [1, 2],
    weights: { save: 1, recover: 1, loadLatest: 1 },
    roles: [
      { weights: { save: 1 }, actions: [1, 1, 2] },
      {
        first: { do: "save" },
        weights: { collectOrphans: 4, prune: 1.5, save: 0.5, remove: 0.3, wait: 0.3 },
        actions: [1, 1, 2],
      },
    ],
    starts: ["two", "two", "two and old orphans", "three, pointer behind"],
    ages: [0, 0, 1_000],
  },
  "one process": {
    says: "two stores of one process, in the layout whose pointer has no room for a floor",
    processes: [2, 2, 3],
    actions: [1, 2, 3, 3],
    weights: {
      save: 5,
      update: 0.5,
      pin: 3,
      unpin: 1,
      pins: 0.3,
      prune: 3,
      remove: 1,
      collectOrphans: 3,
      recover: 0.5,
      wait: 1,
    },
    starts: ["two", "two", "two and old orphans"],
    policies: ["last 1", "last 1", "last 2", "every 2", "keep odd contents"],
    ages: [0, 0, 1_000],
    observer: 0.2,
    meanwhile: 0.15,
    retain: 0.15,
    faults: false,
    slowAnswer: 0.2,
    ahead: 0.4,
    layout: "directory",
  },
  "one process, slow saves": {
    says: "a save of one store stands still while another store of its process saves and deletes",
    processes: [2, 2, 2, 3],
    actions: [1],
    weights: { save: 1, recover: 1 },
    roles: [
      { weights: { save: 1 }, actions: [1, 1, 2] },
      {
        first: { do: "save" },
        weights: { collectOrphans: 4, prune: 1, save: 0.5, remove: 0.5 },
        actions: [1, 1, 2],
      },
    ],
    starts: ["two", "two", "two and old orphans"],
    policies: ["last 1"],
    ages: [0],
    faults: false,
    slowAnswer: 0.3,
    ahead: 0.3,
    layout: "directory",
  },
  "lagging listings": {
    says: "readers beside writers, over a storage whose listings lag",
    processes: [2, 2, 3],
    actions: [1, 2, 3],
    weights: looking,
    roles: [
      {
        first: { do: "save" },
        weights: { save: 4, "save again": 0.5, prune: 2, remove: 1, claim: 0.4 },
        actions: [1, 2, 2],
      },
    ],
    starts: ["nothing", "two", "two", "three, pointer behind", "claimed", "claimed twice"],
    policies: ["last 1", "last 1", "last 2"],
    meanwhile: 0.1,
    lags: 0.4,
  },
  losses: {
    says: "readers beside writers, over a storage that loses objects, and whose listings lag now and then",
    processes: [2, 2, 3],
    actions: [1, 2, 3],
    weights: looking,
    roles: [{ weights: { save: 4, "save again": 0.5, prune: 1, claim: 0.4, recover: 1 }, actions: [1, 2, 2] }],
    starts: ["two", "two", "three, pointer behind", "claimed", "claimed twice"],
    policies: ["last 1", "last 2"],
    meanwhile: 0.1,
    lags: 0.05,
    loses: 0.03,
  },
  "lost folders": {
    says: "stores of one process, in the layout with a folder for each checkpoint, over a storage that loses files and folders",
    processes: [2, 2, 3],
    actions: [1, 2, 3],
    weights: looking,
    roles: [{ weights: { save: 4, prune: 1, collectOrphans: 0.5, recover: 1 }, actions: [1, 2, 2] }],
    starts: ["two", "two", "two and old orphans"],
    policies: ["last 1", "last 2"],
    ages: [0, 1_000],
    meanwhile: 0.1,
    faults: false,
    slowAnswer: 0.1,
    loses: 0.03,
    layout: "directory",
  },
  long: {
    says: "four processes that do everything, for long",
    processes: [3, 4],
    actions: [5, 6, 8],
    weights: {
      save: 6,
      "save again": 1,
      update: 1,
      prune: 2,
      remove: 0.5,
      collectOrphans: 1,
      claim: 0.7,
      recover: 2,
      loadLatest: 1,
      list: 0.5,
      readState: 0.5,
      wait: 0.5,
      jump: 0.3,
      verify: 0.2,
      ids: 0.2,
      pin: 0.7,
      unpin: 0.3,
      restore: 0.5,
    },
    starts: [...plainStarts, ...claimedStarts],
    claimsFirst: 0.5,
    observer: 0.5,
    meanwhile: 0.1,
    retain: 0.1,
  },
} as const satisfies Record<string, Plan>

export type PlanName = keyof typeof plans
export const planNames = Object.keys(plans) as PlanName[]
