import assert from "node:assert/strict"
import { createManifest, type ObjectBackend } from "@ckpt/core"
import { intercept } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { bytes } from "../support.js"

/** Behaviours that a review found missing; each failed before it was mended. */
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
    name: "a save does not trust a state written ahead that was removed meanwhile",
    async run({ open, raw, keys }) {
      const store = await open()
      await store.writeState(1, bytes("ahead"))
      await raw.delete([keys.state(1)])
      await assert.rejects(store.save(createManifest({ checkpointId: 1, epoch: 1 })), { code: "CKPT_INVALID" })
      assert.deepEqual(await store.ids(), [])
    },
  },
  {
    name: "verify, while the checkpoint is being saved, never takes a state that was not there yet for a missing one",
    async run({ open }) {
      const writer = await open()
      let saved: Promise<unknown> | undefined
      // The state is looked for first; the manifest only once the save is done.
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
    name: "readers wait for the retention of the saves before them, not for that of saves to come",
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
