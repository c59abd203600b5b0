import assert from "node:assert/strict"
import { calls } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { dies, saveAll } from "../support.js"

const isPinObject = (key: string) => key.includes("/pins/")

/** A process that dies between a pin's entry in the pointer and its object. In the directory layout a pin is one object. */
export const pinCrashScenarios: readonly Scenario[] = [
  {
    name: "pins: crash after the entry of a pin: the checkpoint is pinned, and the same pin again makes the object",
    layout: "objects",
    async run(context) {
      const { allKeys, keys, open, raw } = context
      const store = await open()
      await saveAll(store, 1, 2)
      await dies(context, "after", calls("put", keys.pointer), (dying) => dying.pin(1, "kept"))
      assert.deepEqual((await allKeys()).filter(isPinObject), [])
      assert.deepEqual(await store.pins(), [{ name: "kept", id: 1 }])
      assert.deepEqual((await store.prune({ last: 1 })).kept, [1, 2])
      await store.pin(1, "kept")
      assert.equal((await allKeys()).filter(isPinObject).length, 1)
      await raw.delete([keys.pointer])
      assert.deepEqual((await (await open()).prune({ last: 1 })).kept, [1, 2])
    },
  },
  {
    name: "pins: crash after the object of a pin was removed: the checkpoint is still pinned, until unpin again",
    layout: "objects",
    async run(context) {
      const { allKeys, open } = context
      const store = await open()
      await saveAll(store, 1, 2)
      await store.pin(1, "kept")
      const removesObject = ({ call, keys = [] }: { call: string; keys?: readonly string[] }) =>
        call === "delete" && keys.some(isPinObject)
      await dies(context, "after", removesObject, (dying) => dying.unpin("kept"))
      assert.deepEqual((await allKeys()).filter(isPinObject), [])
      assert.deepEqual(await store.pins(), [{ name: "kept", id: 1 }])
      assert.deepEqual((await store.prune({ last: 1 })).kept, [1, 2])
      assert.equal(await store.unpin("kept"), true)
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1])
    },
  },
]
