import assert from "node:assert/strict"
import type { ObjectBackend } from "@ckpt/core"
import { intercept, permanent, recorder, withFaults } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { gate } from "../../harness/waiting.js"
import { flipped, listAll, manifestOf, range, saveAll } from "../support.js"

/** Retention after a save. The save does not wait for it, and nobody sees it half done. */
export const backgroundScenarios: readonly Scenario[] = [
  {
    name: "retention after a save: the save does not wait for it; ids, list, recover, prune and close do",
    async run({ open, settled }) {
      const door = gate()
      const through = (backend: ObjectBackend) =>
        intercept(backend, {
          async around({ call, key }, proceed) {
            if (call === "delete" && !key.includes("probe")) await door.passed
            return proceed()
          },
        })
      const store = await open({ through, retain: { last: 1 } })
      await saveAll(store, 1, 2)
      await saveAll(store, 3)
      const done: string[] = []
      const waiting = [
        store.ids().then((ids) => done.push(`ids ${ids}`)),
        listAll(store).then((all) => done.push(`list ${all.map(({ id }) => id)}`)),
        store.recover().then(({ checkpoint }) => done.push(`recover ${checkpoint?.id}`)),
        store.prune({ last: 1 }).then(({ removed }) => done.push(`prune ${removed}`)),
      ]
      waiting.push(store.close().then(() => done.push("close")))
      await settled()
      assert.deepEqual(done, [])
      door.open()
      await Promise.all(waiting)
      assert.deepEqual([...done].sort(), ["close", "ids 3", "list 3", "prune ", "recover 3"])
    },
  },
  {
    name: "retention after a save: one run at a time, and one more for all saves that came meanwhile",
    async run({ open }) {
      const door = gate()
      let runs = 0
      let atOnce = 0
      const through = (backend: ObjectBackend) =>
        intercept(backend, {
          async around({ call, key }, proceed) {
            if (call !== "delete" || key.includes("probe") || !key.includes("manifest")) return proceed()
            runs++
            assert.equal(++atOnce, 1)
            await door.passed
            const result = await proceed()
            atOnce--
            return result
          },
        })
      const store = await open({ through, retain: { last: 1 } })
      await saveAll(store, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
      door.open()
      assert.deepEqual(await store.ids(), [10])
      assert.ok(runs <= 3, `${runs} runs`)
    },
  },
  {
    name: "retention after a save: a failed run is one retention-failed event, and the next run removes the same checkpoints",
    async run({ open, events }) {
      const on = ({ call, key }: { call: string; key: string }) => call === "delete" && !key.includes("probe")
      const store = await open({
        through: (b) => withFaults(b, { on, at: "before", error: permanent, times: 1 }),
        retain: { last: 1 },
      })
      await saveAll(store, 1)
      // The run of the first save, which finds nothing, has ended: else it would find both, and fail, and the second succeed.
      await store.nextId()
      await saveAll(store, 2)
      assert.deepEqual(await (await open()).list()[Symbol.asyncIterator]().return?.(), { done: true, value: undefined })
      await store.nextId()
      assert.equal(events.filter(({ type }) => type === "retention-failed").length, 1)
      await saveAll(store, 3)
      assert.deepEqual(await store.ids(), [3])
      assert.equal(events.filter(({ type }) => type === "retention-failed").length, 1)
      const pruned = events.filter((event) => event.type === "pruned")
      assert.deepEqual(pruned.at(-1)?.removed, [1, 2])
    },
  },
  {
    name: "retention after a save: a store without a policy prunes nothing",
    async run({ open }) {
      const store = await open()
      const ids = range(1, 20)
      for (const id of ids) await store.save(manifestOf(id))
      assert.deepEqual(await store.ids(), ids)
    },
  },
  {
    name: "retention after a save: it reads the new checkpoint and none that it read before",
    async run({ open, keys }) {
      const { calls: made, through } = recorder()
      const store = await open({ through, retain: { last: 20 } })
      await saveAll(store, ...range(1, 20))
      await store.ids()
      for (const id of range(21, 25)) {
        made.length = 0
        await saveAll(store, id)
        assert.deepEqual(await store.ids(), range(id - 19, id))
        const read = made.filter(({ call, key }) => call === "get" && /manifest[^/]*\.json$/.test(key))
        assert.deepEqual(
          read.map(({ key }) => key),
          [keys.manifest(id)],
        )
      }
    },
  },
  {
    name: "retention after a save: a checkpoint that changed since it was read is read again, and a damaged one fills no place",
    async run({ open, keys, plant, peek }) {
      const store = await open({ retain: { last: 2 } })
      await saveAll(store, 1, 2, 3)
      assert.deepEqual(await store.ids(), [2, 3])
      await plant(keys.manifest(3), flipped(await peek(keys.manifest(3))))
      await saveAll(store, 4)
      assert.deepEqual(await store.ids(), [2, 3, 4])
      await saveAll(store, 5)
      assert.deepEqual(await store.ids(), [4, 5])
    },
  },
  {
    name: "retention after a save: an update between two runs loses no damage that a deep look found",
    async run({ open, keys, plant, peek }) {
      const store = await open()
      await saveAll(store, 1, 2)
      await plant(keys.state(2), flipped(await peek(keys.state(2))))
      assert.equal((await store.verify(2)).valid, false)
      await store.update(2, (current) => ({ ...current, sinkEpochs: { sink: 1 } }))
      assert.deepEqual((await store.prune({ last: 1 })).removed, [])
      assert.deepEqual(await store.ids(), [1, 2])
    },
  },
  {
    name: "retention: a damaged checkpoint that could not be removed is not counted as valid by the next prune",
    async run({ open, keys, plant, peek }) {
      const stuck = [keys.manifest(2), keys.manifest(3)]
      let isStuck = true
      const store = await open({
        through: (backend) => ({
          ...intercept(backend, {}),
          async delete(wanted, options) {
            const held = isStuck ? wanted.filter((key) => stuck.includes(key)) : []
            const failures = await backend.delete(
              wanted.filter((key) => !held.includes(key)),
              options,
            )
            return [...failures, ...held.map((key) => ({ key, error: permanent() }))]
          },
        }),
      })
      await saveAll(store, ...range(1, 4))
      await plant(keys.state(3), flipped(await peek(keys.state(3))))
      assert.equal((await store.verify(3)).valid, false)
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1])
      isStuck = false
      // Both are dead already.
      assert.deepEqual((await store.prune({ last: 2 })).removed, [2, 3])
    },
  },
]
