import assert from "node:assert/strict"
import type { CheckpointManifest, ObjectBackend } from "@ckpt/core"
import {
  ambiguous,
  calls,
  type Fault,
  intercept,
  recorder,
  transient,
  withFaults,
  withoutCommit,
} from "../../harness/faults.js"
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

/** Lost answers of calls that change or remove a checkpoint. */
export const lostChangeScenarios: readonly Scenario[] = [
  {
    name: "lost answer of an update that took effect: the update succeeds and is applied once",
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
    name: "lost answer of an update that took no effect: the update is tried again and is applied once",
    async run({ open, keys }) {
      await saveAll(await open(), 1)
      const on = calls("put", keys.manifest(1))
      const store = await open({ through: through({ on, at: "before", error: ambiguous, times: 1 }) })
      assert.equal((await store.update(1, count)).sinkEpochs["sink"], 1)
      assert.equal((await (await open()).load(1))?.sinkEpochs["sink"], 1)
    },
  },
  {
    name: "lost answer of every put of an update, none of which takes effect: CKPT_UNKNOWN_OUTCOME after at most 4 puts",
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
    name: "lost answer of an update that cannot be read back: CKPT_UNKNOWN_OUTCOME",
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
    name: "lost answer of an update that took effect, and another update followed: CKPT_UNKNOWN_OUTCOME, and the change is applied once",
    async run({ open, keys }) {
      await saveAll(await open(), 1)
      const other = await open()
      const isPut = calls("put", keys.manifest(1))
      let followed = false
      const store = await open({
        through: (backend) =>
          intercept(backend, {
            async around(info, proceed) {
              const answer = await proceed()
              if (followed || !isPut(info)) return answer
              followed = true
              await other.update(1, (current) => ({ ...current, sinkEpochs: { ...current.sinkEpochs, other: 7 } }))
              throw ambiguous()
            },
          }),
      })
      let applied = 0
      const change = (current: CheckpointManifest) => {
        applied++
        return count(current)
      }
      await refusal(store.update(1, change), "CKPT_UNKNOWN_OUTCOME", 1)
      assert.equal(applied, 1)
      assert.deepEqual({ ...(await other.load(1))?.sinkEpochs }, { sink: 1, other: 7 })
    },
  },
  {
    name: "lost answer of an update that took effect, and the checkpoint was pruned: CKPT_UNKNOWN_OUTCOME",
    async run({ open, keys, events }) {
      await saveAll(await open(), 1, 2)
      const other = await open()
      const isPut = calls("put", keys.manifest(1))
      let pruned = false
      const store = await open({
        through: (backend) =>
          intercept(backend, {
            async around(info, proceed) {
              const answer = await proceed()
              if (pruned || !isPut(info)) return answer
              pruned = true
              assert.equal((await other.load(1))?.sinkEpochs["sink"], 1)
              await other.prune({ last: 1 })
              throw ambiguous()
            },
          }),
      })
      await refusal(store.update(1, count), "CKPT_UNKNOWN_OUTCOME", 1)
      assert.equal(await other.load(1), undefined)
      assert.ok(!events.some(({ type }) => type === "updated"))
    },
  },
  {
    name: "an update whose change alters its argument: the argument is a copy, and the checksums stay",
    async run({ open }) {
      await saveAll(await open(), 1)
      const store = await open()
      await store.update(1, (current) => {
        const mine = current as { -readonly [K in keyof CheckpointManifest]: CheckpointManifest[K] }
        mine.stateChecksum = "0".repeat(64)
        mine.stateSize = 7
        mine.sinkEpochs = { sink: 3 }
        return mine
      })
      assert.deepEqual(await store.verify(1), { id: 1, valid: true, issues: [] })
      assert.equal((await store.load(1))?.sinkEpochs["sink"], 3)
    },
  },
  {
    name: "lost answer of writeState that took effect: writeState succeeds",
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
    name: "lost answer of a delete that took effect: prune asks again and counts the checkpoint as removed",
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
    name: "lost answer of the swap that raises the floor: prune finds its token and goes on",
    async run({ open, keys }) {
      await saveAll(await open(), 1, 2)
      const on = calls("put", keys.history)
      const store = await open({ through: through({ on, at: "after", error: ambiguous, times: 1 }) })
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1])
      await refusal((await open()).save(manifestOf(1)), "CKPT_CONFLICT", 1)
    },
  },
  {
    name: "prune that cannot raise the floor is CKPT_IO and removes nothing",
    async run({ open, keys, allKeys }) {
      await saveAll(await open(), 1, 2)
      const before = await allKeys()
      for (const error of [ambiguous, transient]) {
        const on = calls("put", keys.history)
        const store = await open({ through: through({ on, at: "before", error }) })
        assert.equal((await refusal(store.prune({ last: 1 }), "CKPT_IO")).retryable, true)
        assert.deepEqual(await allKeys(), before)
      }
    },
  },
]
