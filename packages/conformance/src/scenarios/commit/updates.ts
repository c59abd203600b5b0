import assert from "node:assert/strict"
import { createManifest, type ObjectBackend } from "@ckpt/core"
import { intercept } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { bytes } from "../support.js"

/** Updates, and the order in which concurrent operations see one another. */
export const updateScenarios: readonly Scenario[] = [
  {
    name: "200 updates of one checkpoint at once on one store all take effect",
    async run({ open }) {
      const store = await open()
      await store.save(createManifest({ checkpointId: 1, epoch: 1, sinkEpochs: { sink: 0 } }))
      const one = () => store.update(1, (m) => ({ ...m, sinkEpochs: { sink: (m.sinkEpochs["sink"] ?? 0) + 1 } }))
      await Promise.all(Array.from({ length: 200 }, one))
      assert.equal((await store.load(1))?.sinkEpochs["sink"], 200)
    },
  },
  {
    name: "a save whose state was written before and removed meanwhile is CKPT_INVALID",
    async run({ open, raw, keys }) {
      const store = await open()
      await store.writeState(1, bytes("ahead"))
      await raw.delete([keys.state(1)])
      await assert.rejects(store.save(createManifest({ checkpointId: 1, epoch: 1 })), { code: "CKPT_INVALID" })
      assert.deepEqual(await store.ids(), [])
    },
  },
  {
    name: "verify and readState of a checkpoint that is being saved do not miss its state",
    async run({ open }) {
      const writer = await open()
      let saved: Promise<unknown> | undefined
      // The state is read before the save, and the manifest after it.
      const through = (backend: ObjectBackend): ObjectBackend =>
        intercept(backend, {
          async around({ call, key }, proceed) {
            if (call === "get" && key.includes("manifest") && !key.includes("latest")) {
              saved ??= writer.save(createManifest({ checkpointId: 1, epoch: 1 }), { state: bytes("state") })
              await saved
            }
            return proceed()
          },
        })
      const reader = await open({ through })
      assert.deepEqual(await reader.verify(1), { id: 1, valid: true, issues: [] })
      saved = Promise.resolve()
      assert.equal((await (await reader.readState(1))?.bytes())?.length, 5)
    },
  },
  {
    name: "ids waits for the retention of earlier saves, and not for that of later saves",
    async run({ open }) {
      const store = await open({ retain: { last: 1 } })
      for (let id = 1; id <= 3; id++) await store.save(createManifest({ checkpointId: id, epoch: 1 }))
      let answered = false
      const ids = store.ids().then((found) => {
        answered = true
        return found
      })
      for (let id = 4; !answered && id < 2_000; id++) await store.save(createManifest({ checkpointId: id, epoch: 1 }))
      assert.equal(answered, true)
      assert.ok((await ids).length >= 1)
    },
  },
]
