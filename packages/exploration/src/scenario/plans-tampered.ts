import type { Plan, Weights } from "./plan.js"

const working: Weights = {
  save: 4,
  update: 1,
  claim: 0.7,
  repair: 0.3,
  recover: 2,
  restore: 0.7,
  loadLatest: 1.5,
  list: 0.7,
  ids: 0.3,
  readState: 0.5,
  nextId: 0.2,
  prune: 1,
  collectOrphans: 0.4,
  pin: 0.3,
}

/** Storages in which objects of every kind are garbled, put back as they were, or expire. */
export const tamperedPlans = {
  "pointer lost": {
    says: "the pointer is deleted, garbled or rolled back, and nothing else is",
    processes: [2, 2, 3],
    actions: [1, 2],
    weights: working,
    roles: [{ weights: { "damage pointer": 4, loadLatest: 1, claim: 0.5 }, actions: [1, 2, 2] }],
    starts: ["two", "three, pointer behind", "pruned", "claimed", "claimed twice"],
    ages: [0, 1_000],
    claimsFirst: 0.3,
  },
  "states damaged": {
    says: "states are garbled by others, in place, while stores read, save and prune",
    processes: [2, 2, 3],
    actions: [1, 2],
    weights: working,
    roles: [{ weights: { "damage state": 4, recover: 1 }, actions: [1, 1, 2] }],
    starts: ["two", "three, pointer behind", "pruned", "claimed", "claimed twice"],
    policies: ["last 1", "last 2", "every 2"],
    ages: [0, 1_000],
    claimsFirst: 0.2,
  },
  "manifests rolled back": {
    says: "manifests are put back as they were before updates and before a leader's mark",
    processes: [2, 2, 3],
    actions: [1, 2, 2],
    weights: { update: 5, recover: 2, restore: 0.5, claim: 1, save: 1, loadLatest: 0.5 },
    roles: [
      { first: { do: "update", which: 0 }, weights: { "roll manifest back": 4, update: 1 }, actions: [1, 2] },
      { first: { do: "save" }, weights: { update: 4, recover: 2, claim: 1 }, actions: [1, 2] },
    ],
    starts: ["two", "three, pointer behind", "claimed"],
  },
  expiry: {
    says: "a lifecycle rule removes old states, old manifests, or whatever is old",
    processes: [2, 2, 3],
    actions: [1, 2],
    weights: working,
    roles: [{ weights: { expire: 4, recover: 1, loadLatest: 1 }, actions: [1, 1, 2] }],
    starts: ["two", "three, pointer behind", "pruned", "claimed", "claimed twice"],
    policies: ["last 1", "last 2"],
    ages: [0, 1_000],
    claimsFirst: 0.2,
  },
  "damage at rest": {
    says: "up to three objects of any kind are damaged, lost or put back while no store is open",
    processes: [1, 2],
    actions: [1, 2, 3],
    weights: working,
    atRest: {
      weights: { "damage history": 1, "damage pointer": 1, "damage manifest": 1, "damage state": 1, lose: 1, expire: 0.5 },
      actions: [1, 2, 2, 3],
    },
    starts: ["two", "three, pointer behind", "pruned", "claimed", "claimed twice"],
    policies: ["last 1", "last 2"],
    ages: [0, 1_000],
    claimsFirst: 0.2,
  },
} as const satisfies Record<string, Plan>
