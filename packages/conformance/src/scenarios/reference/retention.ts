import assert from "node:assert/strict"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { idsAndEpochs, manifestOf, saveUpTo, stateText, textBytes, twins } from "./support.js"

/** Pruning, also after a save, and the collection of orphans. */
export const referenceRetention: readonly Scenario[] = [
  ...twins(
    "test_prune_keeps_max",
    "test_obj_prune",
    "the latest two of five stay; here the report names the removed ones",
    async ({ open }) => {
      const store = await open({ retain: { last: 10 } })
      await saveUpTo(store, 5)
      const { removed, kept, failures } = await store.prune({ last: 2 })
      assert.deepEqual(removed, [1, 2, 3])
      assert.deepEqual(kept, [4, 5])
      assert.deepEqual(failures, [])
      assert.deepEqual(await idsAndEpochs(store), [
        [4, 4],
        [5, 5],
      ])
      // The reference's prune(0) empties the store.
      await assert.rejects(store.prune({ last: 0 }), { code: "CKPT_INVALID" })
      assert.deepEqual(await store.ids(), [4, 5])
    },
  ),

  ...twins(
    "test_auto_prune_on_save",
    "test_obj_auto_prune_on_save",
    "with retain, each save leaves the latest two",
    async ({ open }) => {
      const store = await open({ retain: { last: 2 } })
      await saveUpTo(store, 5)
      assert.deepEqual(await idsAndEpochs(store), [
        [4, 4],
        [5, 5],
      ])
    },
  ),

  {
    name: "test_prune_no_op_when_under_limit: nothing is removed below the limit",
    async run({ open }) {
      const store = await open({ retain: { last: 3 } })
      await store.save(manifestOf(1, 1))
      assert.deepEqual((await store.prune({ last: 5 })).removed, [])
      assert.deepEqual(await store.ids(), [1])
    },
  },

  ...twins(
    "test_cleanup_orphans_removes_stateless_dirs",
    "test_obj_cleanup_orphans",
    "an orphan is removed; here only an old one, below the latest valid checkpoint",
    async (context) => {
      const { open, plant, keys } = context
      await plant(keys.state(99), "orphaned")
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(1, 1), { state: textBytes("state-with-manifest") })
      // The reference removes it now; a save that is about to write its manifest would lose its state.
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [])
      await store.save(manifestOf(100, 100))
      assert.deepEqual((await store.collectOrphans()).removed, [], "it is younger than the default of an hour")
      const { removed, failures } = await store.collectOrphans({ olderThanMs: 0 })
      assert.deepEqual(removed, [keys.state(99)])
      assert.deepEqual(failures, [])
      assert.deepEqual(await namesOf(context, "99"), [], "a name is left, perhaps of a directory")
      assert.equal((await store.load(1))?.epoch, 1)
      assert.equal(await stateText(store, 1), "state-with-manifest")
    },
  ),

  {
    name: "test_cleanup_orphans_noop_when_clean: collectOrphans removes nothing from a clean store",
    async run({ open, allKeys }) {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(1, 1))
      const before = await allKeys()
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [])
      assert.deepEqual(await allKeys(), before)
    },
  },
]

/** Every name with this number in it. */
async function namesOf({ allKeys }: ScenarioContext, digits: string): Promise<string[]> {
  return (await allKeys()).filter((key) => key.includes(digits))
}
