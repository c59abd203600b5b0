import assert from "node:assert/strict"
import { type CheckpointStore, copyCheckpoint } from "@ckpt/core"
import { recorder } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { assertCost, costOf } from "../store/costs.js"
import { bytes, manifestOf, saveAll } from "../support.js"

/** What programs do costs no more than what it is made of. */
export const programBudgets: readonly Scenario[] = [
  {
    name: "budget: open takes 2 rounds by an id (manifest and state, history), 3 by a pin (history first), and lists nothing",
    async run(context) {
      await saveAll(await context.open(), 1, 2, 3)
      assertCost(await costOf(context, (store) => store.open(2)), 2, 2, 3)
      const warmUp = (store: CheckpointStore) => store.pin(2, "kept")
      assertCost(await costOf(context, (store) => store.open({ pin: "kept" }), { warmUp }), 3, 3, 4)
    },
  },
  {
    name: "budget: saveNext takes what save takes, once the store has counted",
    async run(context) {
      const warmUp = async (store: CheckpointStore) => {
        await store.saveNext()
        await store.pin(1, "warm")
      }
      assertCost(await costOf(context, (store) => store.saveNext(), { warmUp }), 2, 2, 3)
      const save = (store: CheckpointStore) => store.saveNext({}, { state: bytes("s") })
      const again = { warmUp: async (store: CheckpointStore) => void (await store.saveNext()), retain: { last: 9 } }
      // Nor does it wait for the retention of the save before.
      assert.equal((await costOf(context, save, again)).rounds, 3)
    },
  },
  {
    name: "budget: commitSink takes what update takes: 4 rounds (manifest, history, swap, history)",
    async run(context) {
      const warmUp = async (store: CheckpointStore) => {
        await store.saveNext({ sinkCommitStatuses: { windows: { status: "pending" } } })
        await store.pin(1, "warm")
      }
      assertCost(await costOf(context, (store) => store.commitSink(1, "windows"), { warmUp }), 4, 4, 4)
    },
  },
  {
    name: "budget: a copy reads each object of the original once, looks once, and writes as a save does; one that is there is not read",
    async run(context) {
      const { calls, through } = recorder()
      const from = await context.open({ through })
      await from.save(manifestOf(7), { state: bytes("state") })
      const copy = async (to: CheckpointStore) => copyCheckpoint(from, to, 7)
      calls.length = 0
      const warmUp = async (to: CheckpointStore) => saveAll(to, (await to.ids()).includes(7) ? 2 : 1)
      const target = { ...context, open: (options: object) => context.open({ ...options, prefix: "copy/" }) }
      assertCost(await costOf(target, copy, { warmUp }), 4, 4, 6)
      const { keys } = context
      const read = calls.splice(0).map(({ call, key }) => `${call} ${key}`)
      assert.deepEqual(read.sort(), [`get ${keys.history}`, `get ${keys.manifest(7)}`, `get ${keys.state(7)}`].sort())
      assertCost(await costOf(target, copy, { warmUp }), 2, 2, 3)
      assert.equal(calls.length, 2)
    },
  },
]
