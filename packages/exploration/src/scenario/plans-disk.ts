import type { Plan } from "./plan.js"

/** Stores of `@ckpt/fs` over a disk in memory. Every file call and every sync is chosen; in the end the power is cut. */
export const diskPlans = {
  disk: {
    says: "stores of @ckpt/fs in one process, over a disk in memory, until the power is cut",
    processes: [1, 2, 2],
    actions: [1, 2],
    weights: {
      save: 5,
      update: 1,
      prune: 1.5,
      remove: 0.5,
      collectOrphans: 0.7,
      pin: 0.5,
      recover: 0.7,
      loadLatest: 0.7,
    },
    starts: ["nothing", "two", "two", "pruned"],
    policies: ["last 1", "last 2"],
    ages: [0, 1_000],
    meanwhile: 0.2,
    faults: false,
    layout: "directory",
    disk: true,
  },
  "failing syncs": {
    says: "the same, and now and then a sync fails",
    processes: [1, 2, 2],
    actions: [1, 2],
    weights: { save: 6, update: 1, prune: 1, recover: 0.7, loadLatest: 0.7 },
    starts: ["nothing", "two", "pruned"],
    policies: ["last 1"],
    meanwhile: 0.2,
    faults: false,
    layout: "directory",
    disk: true,
    ways: { syncFails: 0.1 },
  },
} as const satisfies Record<string, Plan>
