import assert from "node:assert/strict"
import { findLayouts, type ObjectBackend } from "@ckpt/core"
import { denied, recorder, transient, withFaults } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { pointerTo, range, refusal, saveAll } from "../support.js"

const retry = { attempts: 2, minDelayMs: 0, maxDelayMs: 0 }

/** Whatever lies under a prefix, found by looking. */
export const layoutScenarios: readonly Scenario[] = [
  {
    name: "input: findLayouts finds the layout of a store by what lies there, and of another prefix nothing",
    async run({ open, raw, layout, keys }) {
      assert.deepEqual(await findLayouts({ backend: raw }), [])
      await saveAll(await open({ prefix: "team/a" }), ...range(1, 30))
      assert.deepEqual(await findLayouts({ backend: raw, prefix: "team/a" }), [layout])
      for (const prefix of ["", "team", "team/ab", "team/a/sub"])
        assert.deepEqual(await findLayouts({ backend: raw, prefix }), [])
      // The folder of the manifests itself: recovery says where the store is.
      const folder = keys.manifest(1).split("/")[0] as string
      assert.deepEqual(await findLayouts({ backend: raw, prefix: `team/a/${folder}` }), [layout])
    },
  },
  {
    name: "input: findLayouts finds a store of which a manifest, a state, the pointer or the history is left alone",
    async run({ raw, layout, keys, plant }) {
      const left = [keys.manifest(7), keys.state(7), keys.pointer, keys.history]
      for (const key of left) {
        await plant(key, key === keys.pointer ? pointerTo(layout, 7) : "damaged")
        assert.deepEqual(await findLayouts({ backend: raw }), [layout], key)
        await raw.delete([key])
      }
    },
  },
  {
    name: "input: findLayouts finds stores of both layouts, and takes nothing foreign for a store",
    async run({ raw, plant }) {
      for (const key of ["manifests/manifest-x.json", "checkpoints/state-1.bin.old", "checkpoints/notes/1.txt"])
        await plant(key, "foreign")
      assert.deepEqual(await findLayouts({ backend: raw }), [])
      await plant("manifests/manifest-000001.json", "{}")
      await plant("checkpoints/checkpoint_000001/manifest.json", "{}")
      assert.deepEqual(await findLayouts({ backend: raw }), ["directory", "objects"])
    },
  },
  {
    name: "input: findLayouts ends with the first object that it finds, only lists, and says how a storage fails",
    async run({ open, raw, keys, layout }) {
      await saveAll(await open(), 1, 2)
      const { calls, through } = recorder()
      assert.deepEqual(await findLayouts({ backend: through(raw) }), [layout])
      assert.ok(calls.every(({ call }) => call === "list"))
      assert.equal(calls.filter(({ key }) => keys.manifest(1).startsWith(key)).length, 1)
      const failing = (error: () => unknown): ObjectBackend => withFaults(raw, { on: () => true, at: "before", error })
      await refusal(findLayouts({ backend: failing(transient), retry }), "CKPT_IO")
      await refusal(findLayouts({ backend: failing(denied), retry }), "CKPT_DENIED")
      await refusal(findLayouts({ backend: raw, prefix: "../x" }), "CKPT_INVALID")
      await refusal(findLayouts({ backend: raw, layout: "objects" } as never), "CKPT_INVALID")
      await refusal(findLayouts({} as never), "CKPT_INVALID")
    },
  },
]
