import assert from "node:assert/strict"
import type { CheckpointManifest, ObjectBackend } from "@ckpt/core"
import { ambiguous, calls, type Fault, recorder, transient, withFaults, withoutCommit } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { bytes, manifestOf, readAll, refusal, saveAll } from "../support.js"

const count = (current: CheckpointManifest): CheckpointManifest => ({
  ...current,
  sinkEpochs: { sink: (current.sinkEpochs["sink"] ?? 0) + 1 },
})

const through =
  (...faults: Fault[]) =>
  (backend: ObjectBackend) =>
    withFaults(withoutCommit(backend), ...faults)

/** Lost answers of what changes or removes a checkpoint. */
export const lostChangeScenarios: readonly Scenario[] = [
  {
    name: "lost answer of an update that took effect: it is settled, and counted once",
    async run({ open, keys }) {
      await saveAll(await open(), 1)
      const on = calls("put", keys.manifest(1))
      const store = await open({ through: through({ on, at: "after", error: ambiguous, times: 1 }) })
      const updated = await store.update(1, count)
      assert.equal(updated.sinkEpochs["sink"], 1)
      assert.deepEqual(await (await open()).load(1), updated)
      assert.equal((await store.verify(1)).valid, true)
    },
  },
  {
    name: "lost answer of an update that took no effect: it is made again, and counted once",
    async run({ open, keys }) {
      await saveAll(await open(), 1)
      const on = calls("put", keys.manifest(1))
      const store = await open({ through: through({ on, at: "before", error: ambiguous, times: 1 }) })
      assert.equal((await store.update(1, count)).sinkEpochs["sink"], 1)
      assert.equal((await (await open()).load(1))?.sinkEpochs["sink"], 1)
    },
  },
  {
    name: "lost answers of every update, none of which takes effect: bounded, and nobody knows",
    async run({ open, keys, events }) {
      await saveAll(await open(), 1)
      const on = calls("put", keys.manifest(1))
      const { calls: made, through: recording } = recorder()
      const faulty = through({ on, at: "before", error: ambiguous })
      const store = await open({ through: (backend) => recording(faulty(backend)) })
      await refusal(store.update(1, count), "CKPT_UNKNOWN_OUTCOME", 1)
      assert.ok(made.filter(on).length <= 4)
      assert.ok(!events.some(({ type }) => type === "updated"))
    },
  },
  {
    name: "lost answer of an update, and no reading back: nobody knows",
    async run({ open, keys }) {
      await saveAll(await open(), 1)
      let lost = false
      const lostNow = () => {
        lost = true
        return ambiguous()
      }
      const store = await open({
        through: through(
          { on: calls("put", keys.manifest(1)), at: "after", error: lostNow },
          { on: (info) => lost && calls("get", keys.manifest(1))(info), at: "before", error: transient },
        ),
      })
      await refusal(store.update(1, count), "CKPT_UNKNOWN_OUTCOME", 1)
      assert.equal((await (await open()).load(1))?.sinkEpochs["sink"], 1)
    },
  },
  {
    name: "lost answer of writeState: settled like that of a save",
    async run({ open, keys }) {
      const on = calls("put", keys.state(1))
      const store = await open({ through: through({ on, at: "after", error: ambiguous, times: 1 }) })
      const info = await store.writeState(1, bytes("ahead"))
      const receipt = await store.save(manifestOf(1))
      assert.deepEqual([receipt.stateChecksum, receipt.stateSize], [info.checksum, 5])
      assert.equal(await readAll(await store.readState(1)), "ahead")
    },
  },
  {
    name: "lost answer of a delete: asked again, and counted as gone",
    async run({ open, keys, allKeys }) {
      await saveAll(await open(), 1, 2)
      const on = calls("delete", keys.manifest(1))
      const store = await open({ through: through({ on, at: "after", error: ambiguous, times: 1 }) })
      const report = await store.prune({ last: 1 })
      assert.deepEqual([report.removed, report.failures], [[1], []])
      assert.ok(!(await allKeys()).includes(keys.state(1)))
    },
  },
  {
    name: "lost answer of the floor: settled by its token before anything is removed",
    layout: "objects",
    async run({ open, keys }) {
      await saveAll(await open(), 1, 2)
      const on = calls("put", keys.pointer)
      const store = await open({ through: through({ on, at: "after", error: ambiguous, times: 1 }) })
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1])
      await refusal((await open()).save(manifestOf(1)), "CKPT_CONFLICT", 1)
    },
  },
  {
    name: "a floor that cannot be raised: prune rejects and removes nothing",
    layout: "objects",
    async run({ open, keys, allKeys }) {
      await saveAll(await open(), 1, 2)
      const before = await allKeys()
      for (const error of [ambiguous, transient]) {
        const on = calls("put", keys.pointer)
        const store = await open({ through: through({ on, at: "before", error }) })
        assert.equal((await refusal(store.prune({ last: 1 }), "CKPT_IO")).retryable, true)
        assert.deepEqual(await allKeys(), before)
      }
    },
  },
]
