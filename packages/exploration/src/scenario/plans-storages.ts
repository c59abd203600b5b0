import { claimedStarts, type Plan, type Weights } from "./plan.js"

const everything: Weights = {
  save: 5,
  update: 1,
  claim: 0.7,
  recover: 1.5,
  loadLatest: 1,
  list: 0.7,
  ids: 0.3,
  prune: 3,
  remove: 0.7,
  collectOrphans: 1.5,
  pin: 0.7,
  unpin: 0.3,
}

/** Storages of another kind: what they promise is enough, and no more than that. */
export const storagePlans = {
  "weak listings": {
    says: "a listing is no picture of one moment, and of what one request removes some stays",
    processes: [2, 2, 3],
    actions: [1, 2, 3],
    weights: everything,
    starts: ["two", "three, pointer behind", "two and old orphans", "pruned", ...claimedStarts],
    policies: ["last 1", "last 1", "last 2", "every 2"],
    ages: [0, 0, 1_000],
    claimsFirst: 0.2,
    observer: 0.3,
    meanwhile: 0.1,
    ways: { mixed: 0.5, inPart: 0.2 },
  },
  throttled: {
    says: "many a write is refused for now, since its object was written a moment ago, and every request is answered",
    processes: [2, 2, 3],
    actions: [1, 2, 3],
    weights: everything,
    starts: ["two", "three, pointer behind", "two and old orphans", "pruned", ...claimedStarts],
    policies: ["last 1", "last 2"],
    ages: [0, 1_000],
    claimsFirst: 0.4,
    meanwhile: 0.1,
    faults: false,
    ways: { throttled: 0.25 },
  },
} as const satisfies Record<string, Plan>
