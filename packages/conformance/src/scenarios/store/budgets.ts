import assert from "node:assert/strict"
import type { CheckpointStore, LeaderStore } from "@ckpt/core"
import type { Scenario } from "../../harness/scenario.js"
import { programBudgets } from "../programs/budgets.js"
import { bytes, flipped, listAll, manifestOf, saveAll, stateText } from "../support.js"
import { assertCost, batches, concurrency, costOf, listings } from "./costs.js"

const ids = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)

/** For a storage without a commit of its own, whose listings have one page. */
export const budgetScenarios: readonly Scenario[] = [
  {
    name: "budget: save takes 2 rounds (manifest, then history and pointer)",
    async run(context) {
      assertCost(await costOf(context, (store) => store.save(manifestOf(2))), 2, 2, 3)
    },
  },
  {
    name: "budget: save with a state takes 3 rounds (state, manifest, then history and pointer)",
    async run(context) {
      assertCost(await costOf(context, (store) => store.save(manifestOf(2), { state: bytes("s") })), 3, 3, 4)
    },
  },
  {
    name: "budget: save with operators takes 3 rounds, or 2 if all of them are inline",
    async run(context) {
      const operators = { a: bytes("a"), b: bytes("b") }
      assertCost(await costOf(context, (store) => store.save(manifestOf(2), { operators })), 2, 2, 3)
      const external = (store: CheckpointStore) => store.save(manifestOf(4), { operators, inlineThreshold: 0 })
      assertCost(await costOf(context, external), 3, 3, 4)
    },
  },
  {
    name: "budget: a save does not wait for retention",
    async run(context) {
      const save = (store: CheckpointStore) => store.save(manifestOf(9), { state: bytes("s") })
      const cost = await costOf(context, save, { retain: { last: 1 } })
      assert.equal(cost.rounds, 3)
    },
  },
  {
    name: "budget: loadLatest takes max(1, p) + 1 = 2 rounds (list, then manifest, history and pointer)",
    async run(context) {
      assertCost(await costOf(context, (store) => store.loadLatest()), 2, 2, 4)
    },
  },
  {
    name: "budget: list of 100 takes p + ⌈N/c⌉ = 8 rounds",
    async run(context) {
      await saveAll(await context.open(), ...ids(1, 99))
      const cost = await costOf(context, (store) => listAll(store))
      assertCost(cost, 1 + Math.ceil(100 / concurrency), 8, 102 + listings(context))
    },
  },
  ...[
    [3, 1],
    [3, 10],
    [10, 90],
  ].map(
    ([kept, removed]): Scenario => ({
      name: `budget: prune of ${removed} that keeps ${kept} takes p + ⌈n/c⌉ + 1 + 2⌈k/batch⌉ rounds`,
      async run(context) {
        const all = (kept as number) + (removed as number)
        await saveAll(await context.open(), ...ids(1, all - 1))
        const cost = await costOf(context, (store) => store.prune({ last: kept as number }))
        // n: every manifest is read once, also of checkpoints that go, since only valid ones count towards last.
        // One request raises the floor, on the history that is remembered.
        const floor = 1
        const looks = Math.ceil(all / concurrency)
        const deletes = 2 * batches(context, removed as number)
        const rounds = 1 + looks + floor + deletes
        assertCost(cost, rounds, rounds, listings(context) + all + floor + deletes)
      },
    }),
  ),
  ...[
    { invalid: 0, rounds: 2, reads: 2 },
    { invalid: 1, rounds: 3, reads: 4 },
    // The last four manifests are read ahead. One of them is damaged and takes no round; three are read again.
    { invalid: 5, rounds: 6, reads: 14 },
  ].map(
    ({ invalid, rounds, reads }): Scenario => ({
      name: `budget: a deep recover past ${invalid} invalid takes at most max(p, q) + 1 + j = ${2 + invalid} rounds`,
      async run(context) {
        const { open, keys, plant, peek } = context
        await saveAll(await open(), 1)
        const cost = await costOf(context, (store) => store.recover(), {
          async warmUp(store) {
            await saveAll(store, ...ids(2, invalid))
            for (const id of ids(2, invalid)) {
              if (id % 2 === 0) await plant(keys.state(id), flipped(await peek(keys.state(id))))
              else await plant(keys.manifest(id), "damaged")
            }
          },
        })
        // The listings, the history, the pointer, and manifest and state of each examined checkpoint.
        assertCost(cost, 2 + invalid, rounds, listings(context) + 2 + reads)
      },
    }),
  ),
  ...["sound", "lost"].map(
    (how): Scenario => ({
      name: `budget: recover past 12 checkpoints without their states reads a ${how} history twice, and not for each of them`,
      async run(context) {
        const { open, keys, plant, raw } = context
        await saveAll(await open(), 1)
        const { calls } = await costOf(context, (store) => store.recover(), {
          async warmUp(store) {
            await saveAll(store, ...ids(2, 12))
            await store.pin(1, "kept")
            await raw.delete(ids(2, 12).map(keys.state))
            if (how === "lost") await plant(keys.history, "garbled")
          },
        })
        assert.equal(calls.filter(({ key }) => key === keys.history).length, 2)
        // Where the history is lost, each manifest is read once more, to judge.
        assert.ok(calls.length <= 6 * 13, `${calls.length} requests`)
      },
    }),
  ),
  {
    name: "budget: recover past 12 damaged manifests reads four a round from the third on",
    async run(context) {
      const { open, keys, plant } = context
      await saveAll(await open(), 1)
      const cost = await costOf(context, (store) => store.recover(), {
        async warmUp(store) {
          await saveAll(store, ...ids(2, 12))
          for (const id of ids(2, 12)) await plant(keys.manifest(id), "damaged")
        },
      })
      // Two manifests with their states, ten and the good one read ahead, and the good one again with its state.
      assertCost(cost, 14, 6, listings(context) + 2 + 2 * 2 + 11 + 2)
    },
  },
  {
    name: "budget: a shallow recover takes 2 rounds and reads no state",
    async run(context) {
      const cost = await costOf(context, (store) => store.recover({ depth: "shallow" }))
      assertCost(cost, 2, 2, listings(context) + 3)
    },
  },
  {
    name: "budget: recover of a fresh store lists twice, in at most 4 rounds",
    async run(context) {
      const cost = await costOf(context, (store) => store.recover(), { warmUp: async () => {} })
      assert.ok(cost.rounds <= 4, `${cost.rounds} rounds`)
    },
  },
  ...[0, 20].map(
    (orphans): Scenario => ({
      name: `budget: collectOrphans of ${orphans} takes at most p + q + 2 + 1 + ⌈k/batch⌉ rounds`,
      async run(context) {
        const { open, keys, plant } = context
        await saveAll(await open(), 50)
        for (const id of ids(1, orphans)) await plant(keys.state(id), stateText(id))
        const cost = await costOf(context, (store) => store.collectOrphans({ olderThanMs: 0 }))
        const deletes = batches(context, orphans)
        const removing = orphans > 0 ? 1 + deletes : 0
        const looks = context.raw.leftovers === undefined ? 0 : listings(context)
        // Rounds: clock, manifest and state of the latest; the history that judges it; states and leftovers;
        // manifests; the floor; the deletes.
        assertCost(cost, 2 + 2 + 1 + deletes, 4 + removing, 6 + looks + removing)
      },
    }),
  ),
  {
    name: "budget: update takes 4 rounds (manifest, history, swap, history)",
    async run(context) {
      const cost = await costOf(context, (store) => store.update(1, (current) => ({ ...current, epoch: 2 })))
      assertCost(cost, 4, 4, 4)
    },
  },
  {
    name: "budget: pin takes 2 rounds (manifest, history), and unpin 1",
    async run(context) {
      assertCost(await costOf(context, (store) => store.pin(1, "one")), 2, 2, 2)
      const warm = async (store: CheckpointStore) => {
        await saveAll(store, 2)
        await store.pin(2, "two")
      }
      assertCost(await costOf(context, (store) => store.unpin("two"), { warmUp: warm }), 1, 1, 1)
    },
  },
  ...[1, 40].map(
    (count): Scenario => ({
      name: `budget: claim over ${count} new checkpoints takes 4 + ⌈new/c⌉ rounds, and a later claim over one no more than 5`,
      async run(context) {
        if (context.raw.capabilities.compareAndSwap !== "storage") return
        if (count > 1) await saveAll(await context.open(), ...ids(1, count - 1))
        const claiming = async (store: CheckpointStore) => {
          await store.claim()
        }
        const rounds = 4 + Math.ceil(count / concurrency)
        // The listing, the pointer beside it, each manifest, and the history: once read and twice replaced.
        assertCost(await costOf(context, claiming), rounds, rounds, 2 + count + 3)
        const leader = await (await context.open()).claim()
        await saveAll(leader, await leader.nextId())
        const again = await costOf(context, claiming, { warmUp: async (store) => void (await store.claim()) })
        assert.ok(again.rounds <= 5, `${again.rounds} rounds`)
      },
    }),
  ),
  {
    name: "budget: recover of a leader takes at most 4 rounds: it looks once more, and marks what it gives",
    async run(context) {
      if (context.raw.capabilities.compareAndSwap !== "storage") return
      let leader: LeaderStore | undefined
      const cost = await costOf(context, async () => leader?.recover({ depth: "shallow" }), {
        async warmUp(store) {
          await saveAll(store, 1)
          leader = await store.claim()
        },
      })
      assertCost(cost, 4, 4, listings(context) + 3 + 2)
    },
  },
  {
    name: "budget: 100 saves at once share the pointer's swaps",
    async run(context) {
      const cost = await costOf(context, (store) => Promise.all(ids(2, 100).map((id) => store.save(manifestOf(id)))))
      assert.ok(cost.rounds <= 4, `${cost.rounds} rounds`)
      const swaps = cost.calls.filter(({ key }) => key === context.keys.pointer).length
      assert.ok(swaps <= 4, `${swaps} requests for the pointer`)
    },
  },
  ...programBudgets,
]
