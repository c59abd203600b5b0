import { claimedStarts, type Plan, plainStarts, type Weights } from "./plan.js"

const everything: Weights = {
  save: 5,
  "save again": 0.5,
  update: 1.5,
  claim: 1,
  release: 0.3,
  repair: 0.2,
  recover: 1.5,
  restore: 1,
  loadLatest: 1,
  list: 0.5,
  readState: 0.5,
  load: 0.3,
  verify: 0.3,
  nextId: 0.2,
  ids: 0.3,
  prune: 1.5,
  remove: 0.5,
  collectOrphans: 1,
  pin: 0.7,
  unpin: 0.4,
  pins: 0.2,
}

/** Operations that are given up, and stores that are closed in the middle. */
export const endingPlans = {
  aborts: {
    says: "callers give up what they have begun, at any request and at any answer",
    processes: [1, 2, 2],
    actions: [2, 3],
    weights: everything,
    starts: [...plainStarts, ...claimedStarts, "pruned"],
    ages: [0, 1_000],
    claimsFirst: 0.3,
    meanwhile: 0.2,
    aborts: 0.6,
    probes: 0.3,
    ahead: 0.1,
    sources: 0.2,
  },
  closing: {
    says: "stores are closed in the middle of what they do, and opened anew",
    processes: [1, 2, 2],
    actions: [1, 2],
    weights: everything,
    roles: [
      {
        weights: { ...everything, close: 4, open: 4 },
        actions: [3, 4, 5],
      },
    ],
    starts: [...plainStarts, ...claimedStarts, "pruned"],
    ages: [0, 1_000],
    claimsFirst: 0.3,
    meanwhile: 0.5,
    aborts: 0.1,
    retain: 0.3,
    sources: 0.2,
  },
} as const satisfies Record<string, Plan>
