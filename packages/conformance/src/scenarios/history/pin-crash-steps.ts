import assert from "node:assert/strict"
import { calls } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { dies, saveAll } from "../support.js"

/** A process that dies at the one write of a pin. */
export const pinCrashScenarios: readonly Scenario[] = [
  {
    name: "pins: crash after the write of a pin: the checkpoint is pinned, and the same pin again succeeds",
    async run(context) {
      const { keys, open, raw } = context
      const store = await open()
      await saveAll(store, 1, 2)
      await dies(context, "after", calls("put", keys.history), (dying) => dying.pin(1, "kept"))
      assert.deepEqual(await store.pins(), [{ name: "kept", id: 1 }])
      assert.deepEqual((await store.prune({ last: 1 })).kept, [1, 2])
      await store.pin(1, "kept")
      // The pin does not hang on the pointer.
      await raw.delete([keys.pointer])
      assert.deepEqual((await (await open()).prune({ last: 1 })).kept, [1, 2])
    },
  },
  {
    name: "pins: crash before the write that takes a pin away: the checkpoint is still pinned, until unpin again",
    async run(context) {
      const { keys, open } = context
      const store = await open()
      await saveAll(store, 1, 2)
      await store.pin(1, "kept")
      await dies(context, "before", calls("put", keys.history), (dying) => dying.unpin("kept"))
      assert.deepEqual(await store.pins(), [{ name: "kept", id: 1 }])
      assert.deepEqual((await store.prune({ last: 1 })).kept, [1, 2])
      assert.equal(await store.unpin("kept"), true)
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1])
    },
  },
]
