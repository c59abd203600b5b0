import assert from "node:assert/strict"
import { calls, heldCall, intercept, withoutCommit } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { gate } from "../../harness/waiting.js"
import { bytes, historyAtRest, listedIds, manifestOf, refusal, saveAll, stateText } from "../support.js"

const same = { state: bytes(stateText(2)) }

/** Two stores on one root, in one process. The history orders them, as it orders the stores of two processes. */
export const oneProcessScenarios: readonly Scenario[] = [
  ...(["prunes", "removes"] as const).map(
    (how): Scenario => ({
      name: `two stores in one process: a pin while the other one ${how} is refused, and never holds what is gone`,
      async run({ open, keys }) {
        const removing = heldCall(calls("delete", keys.manifest(1)))
        const store = await open({ through: removing.through })
        const other = await open()
        await saveAll(other, 1, 2, 3)
        // It knows a history in which 1 counts.
        await other.ids()
        const removed = how === "prunes" ? store.prune({ last: 2 }) : store.remove(1)
        await removing.reached
        await refusal(other.pin(1, "late"), "CKPT_PRUNED")
        await refusal((await open()).pin(1, "late"), "CKPT_NOT_FOUND")
        removing.release()
        await removed
        assert.deepEqual([await other.pins(), await other.ids()], [[], [2, 3]])
      },
    }),
  ),
  {
    name: "two stores in one process: a removal that decided before the other one's pin finds the pin",
    async run({ open, keys }) {
      const removing = heldCall(calls("put", keys.history))
      const store = await open({ through: removing.through })
      const other = await open()
      await saveAll(other, 1, 2)
      const removed = store.remove(1)
      removed.catch(() => {})
      await removing.reached
      await other.pin(1, "first")
      removing.release()
      await refusal(removed, "CKPT_INVALID")
      assert.deepEqual(await other.ids(), [1, 2])
      assert.equal((await other.verify(1)).valid, true)
    },
  },
  {
    name: "two stores in one process: a pin that decided before the other one's removal is CKPT_PRUNED",
    async run({ open, keys }) {
      const pinning = heldCall(calls("put", keys.history))
      const store = await open({ through: pinning.through })
      const other = await open()
      await saveAll(other, 1, 2)
      const pinned = store.pin(1, "late")
      pinned.catch(() => {})
      await pinning.reached
      assert.equal(await other.remove(1), true)
      pinning.release()
      await refusal(pinned, "CKPT_PRUNED")
      assert.deepEqual([await other.pins(), await other.ids()], [[], [2]])
    },
  },
  ...(["with its state", "of a state that was written ahead"] as const).map(
    (how): Scenario => ({
      name: `two stores in one process: a save ${how} while the other one collects that state is refused`,
      async run({ open, keys }) {
        const store = await open()
        await store.writeState(2, same.state)
        await saveAll(store, 5)
        const collecting = heldCall(calls("delete", keys.state(2)))
        const other = await open({ through: collecting.through })
        const report = other.collectOrphans({ olderThanMs: 0 })
        await collecting.reached
        await refusal(store.save(manifestOf(2), how === "with its state" ? same : {}), "CKPT_CONFLICT", 2)
        collecting.release()
        assert.ok((await report).removed.includes(keys.state(2)))
        assert.deepEqual(await listedIds(store), [5])
        await saveAll(store, 6)
      },
    }),
  ),
  {
    name: "two stores in one process: a save while the other one has removed the manifest and not yet the state is refused",
    async run({ open, keys }) {
      const removing = heldCall(calls("delete", keys.state(2)))
      const other = await open({ through: removing.through })
      const store = await open({ through: withoutCommit })
      const manifest = manifestOf(2)
      await store.save(manifest, same)
      await saveAll(store, 5)
      const removed = other.remove(2)
      await removing.reached
      await refusal(store.save(manifest, same), "CKPT_CONFLICT", 2)
      removing.release()
      assert.equal(await removed, true)
      assert.deepEqual(await listedIds(store), [5])
    },
  },
  {
    name: "two stores in one process: a save whose new state is collected before its manifest is there is refused",
    async run(context) {
      const { open, keys } = context
      const written = gate()
      const answered = gate()
      const store = await open({
        through: (backend) =>
          intercept(withoutCommit(backend), {
            async around({ call, key }, proceed) {
              const answer = await proceed()
              if (call !== "put" || key !== keys.state(2)) return answer
              written.open()
              await answered.passed
              return answer
            },
          }),
      })
      const other = await open()
      await saveAll(other, 5)
      const saving = store.save(manifestOf(2), same)
      saving.catch(() => {})
      await written.passed
      assert.ok((await other.collectOrphans({ olderThanMs: 0 })).removed.includes(keys.state(2)))
      assert.equal((await historyAtRest(context))["floor"], 2)
      answered.open()
      await refusal(saving, "CKPT_CONFLICT", 2)
      assert.deepEqual(await listedIds(other), [5])
    },
  },
  {
    name: "two stores in one process: a collection refuses the save whose manifest the other one is about to write",
    async run({ open, keys }) {
      const writing = heldCall(calls("put", keys.manifest(2)))
      const store = await open({ through: (backend) => writing.through(withoutCommit(backend)) })
      await store.writeState(2, same.state)
      await saveAll(store, 5)
      const saving = store.save(manifestOf(2), same)
      saving.catch(() => {})
      await writing.reached
      // A store leaves its own saves alone.
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [])
      const other = await open()
      assert.ok((await other.collectOrphans({ olderThanMs: 0 })).removed.includes(keys.state(2)))
      writing.release()
      await refusal(saving, "CKPT_CONFLICT", 2)
      assert.deepEqual(await listedIds(other), [5])
    },
  },
]
