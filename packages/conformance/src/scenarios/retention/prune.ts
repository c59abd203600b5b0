import assert from "node:assert/strict"
import type { ObjectBackend, ObjectContent, ObjectMeta } from "@ckpt/core"
import { type CallInfo, calls, intercept, permanent, recorder, transient, withFaults } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { assertRecovers, flipped, listedIds, range, refusal, rejection, saveAll } from "../support.js"
import { later, skewedClock } from "./clocks.js"

export const retentionScenarios: readonly Scenario[] = [
  {
    name: "retention: last counts valid checkpoints only",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1, 2, 3, 4, 5, 6)
      await plant(keys.manifest(5), "damaged")
      const report = await store.prune({ last: 2 })
      assert.deepEqual([report.removed, report.kept, report.failures], [[1, 2, 3], [4, 5, 6], []])
      assert.deepEqual(await listedIds(store), [4, 5, 6])
    },
  },
  {
    name: "retention: a checkpoint whose state is cut or missing does not count towards last",
    async run({ open, keys, plant, raw }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await plant(keys.state(3), "cut")
      await raw.delete([keys.state(2)])
      assert.deepEqual((await store.prune({ last: 1 })).removed, [])
      await assertRecovers(store, 1)
    },
  },
  {
    name: "retention: a checkpoint that recover found damaged does not count towards last",
    async run({ open, keys, plant, peek }) {
      const store = await open()
      await saveAll(store, 1, 2)
      await plant(keys.state(2), flipped(await peek(keys.state(2))))
      await assertRecovers(store, 1)
      await store.prune({ last: 1 })
      await assertRecovers(store, 1)
    },
  },
  {
    name: "retention: a checkpoint that any rule of the policy keeps stays",
    async run({ open }) {
      const store = await open()
      await saveAll(store, ...range(1, 12))
      const report = await store.prune({ last: 2, every: 5, keepIf: ({ id, epoch }) => id === 3 && epoch === 3 })
      assert.deepEqual(report.kept, [3, 5, 10, 11, 12])
      assert.deepEqual(await store.ids(), [3, 5, 10, 11, 12])
      for (const id of report.kept) assert.equal((await store.verify(id)).valid, true)
    },
  },
  {
    name: "retention: the latest valid checkpoint and all above it stay, whatever the policy says",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await plant(keys.manifest(3), "damaged")
      const report = await store.prune({ keepIf: () => false, every: 100 })
      assert.deepEqual([report.removed, report.kept], [[1], [2, 3]])
      await assertRecovers(await open(), 2)
    },
  },
  {
    name: "retention: withinMs goes by the storage's clock, not by the writer's",
    async run({ open }) {
      const hour = 3_600_000
      for (const skew of [-10 * 365 * 24 * hour, 10 * 365 * 24 * hour]) {
        const store = await open({ clock: skewedClock(skew), timeoutMs: Number.POSITIVE_INFINITY })
        const first = await store.nextId()
        await saveAll(store, first, first + 1)
        assert.deepEqual((await store.prune({ withinMs: hour })).removed, [])
      }
      const store = await open({ through: later(2 * hour) })
      assert.deepEqual((await store.prune({ withinMs: 3 * hour })).removed, [])
      assert.deepEqual((await store.prune({ withinMs: hour })).removed, [1, 2, 3])
    },
  },
  {
    name: "retention: a dry run of prune reports the same as a real run and writes nothing",
    async run({ open, allKeys }) {
      await saveAll(await open(), 1, 2, 3, 4)
      const { calls, through } = recorder()
      const store = await open({ through })
      const before = await allKeys()
      const dry = await store.prune({ last: 2 }, { dryRun: true })
      assert.deepEqual(await allKeys(), before)
      assert.deepEqual(
        calls.filter(({ call }) => call === "put" || call === "delete" || call === "commit"),
        [],
      )
      const real = await store.prune({ last: 2 })
      assert.deepEqual({ ...dry, dryRun: false }, real)
      assert.deepEqual(real.removed, [1, 2])
    },
  },
  {
    name: "retention: prune rejects with the error of the caller's rule and removes nothing",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1, 2)
      const mine = new Error("mine")
      const keepIf = () => {
        throw mine
      }
      assert.equal(await rejection(store.prune({ keepIf })), mine)
      assert.deepEqual(await store.ids(), [1, 2])
    },
  },
  {
    name: "retention: prune without a policy uses the store's, and is CKPT_INVALID if it has none",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await refusal(store.prune(), "CKPT_INVALID")
      assert.deepEqual((await (await open({ retain: { last: 2 } })).prune()).removed, [1])
      await refusal(open({ retain: { last: 0 } }), "CKPT_INVALID")
      await refusal(open({ retain: {} }), "CKPT_INVALID")
    },
  },
  {
    name: "retention: prune deletes in batches of maxDeleteBatch, every manifest before any state",
    async run({ open, keys }) {
      const ids = [1, 2, 3, 4, 5]
      await saveAll(await open(), ...ids, 6)
      const batches: string[][] = []
      const through = (backend: ObjectBackend): ObjectBackend => ({
        ...intercept(backend, {}),
        capabilities: { ...backend.capabilities, maxDeleteBatch: 2 },
        delete(wanted, options) {
          batches.push([...wanted])
          return backend.delete(wanted, options)
        },
      })
      await (await open({ through })).prune({ last: 1 })
      assert.ok(batches.every((batch) => batch.length <= 2))
      // Before the first change the storage is checked, by a probe.
      const checkpoints = batches.flat().filter((key) => !key.includes(".ckpt-probe-"))
      assert.deepEqual(checkpoints, [...ids.map(keys.manifest), ...ids.map(keys.state)])
    },
  },
  {
    name: "retention: a delete with a transient failure is tried again",
    async run({ open, keys }) {
      await saveAll(await open(), 1, 2)
      const on = calls("delete", keys.state(1))
      const store = await open({ through: (b) => withFaults(b, { on, at: "before", error: transient, times: 2 }) })
      assert.deepEqual((await store.prune({ last: 1 })).failures, [])
    },
  },
  {
    name: "retention: the next prune removes what this one could not",
    async run({ open, keys, allKeys }) {
      await saveAll(await open(), 1, 2, 3)
      for (const key of [keys.manifest(1), keys.manifest(2)]) {
        const on = calls("delete", key)
        const store = await open({ through: (b) => withFaults(b, { on, at: "before", error: permanent, times: 1 }) })
        const report = await store.prune({ last: 1 })
        if (key === keys.manifest(1)) {
          // One request has both manifests: both stay, with their states.
          assert.deepEqual([report.removed, report.failures.map(({ id }) => id)], [[], [1, 2]])
          assert.ok((await allKeys()).includes(keys.state(2)))
        }
      }
      assert.deepEqual((await (await open()).prune({ last: 1 })).failures, [])
      const left = await allKeys()
      for (const id of [1, 2])
        for (const key of [keys.manifest(id), keys.state(id)]) assert.ok(!left.includes(key), key)
    },
  },
  {
    name: "retention: the next prune of the same store asks once more for the history, writes none, and removes nothing if it is not answered",
    async run({ open, keys }) {
      await saveAll(await open(), 1, 2, 3)
      const seen = recorder()
      let isBroken = false
      const faults = [
        { on: calls("delete", keys.manifest(1)), at: "before", error: permanent, times: 1 },
        {
          on: (info: CallInfo) => isBroken && calls("get", keys.history)(info),
          at: "before",
          error: permanent,
          times: 1,
        },
      ] as const
      const store = await open({ through: (b) => seen.through(withFaults(b, ...faults)) })
      assert.equal((await store.prune({ last: 1 })).failures.length, 2)
      isBroken = true
      await refusal(store.prune({ last: 1 }), "CKPT_IO")
      assert.ok((await store.ids()).length > 0)
      seen.calls.length = 0
      const { removed, failures } = await store.prune({ last: 1 })
      assert.deepEqual([removed, failures], [[1, 2], []])
      const ofHistory = seen.calls.filter(({ key }) => key === keys.history).map(({ call }) => call)
      assert.deepEqual(new Set(ofHistory), new Set(["get"]))
    },
  },
  {
    name: "retention: remove takes one checkpoint, and only below the latest valid one",
    async run({ open, keys, plant, allKeys }) {
      const store = await open()
      await saveAll(store, 1, 2, 3, 4)
      await plant(keys.manifest(2), "damaged")
      assert.equal(await store.remove(1), true)
      assert.equal(await store.remove(1), false)
      assert.equal(await store.remove(2), true)
      assert.equal(await store.remove(9), false)
      await refusal(store.remove(4), "CKPT_INVALID", 4)
      await plant(keys.manifest(4), "damaged")
      await refusal(store.remove(4), "CKPT_INVALID", 4)
      await refusal(store.remove(3), "CKPT_INVALID", 3)
      assert.deepEqual(await store.ids(), [3, 4])
      assert.deepEqual(
        await allKeys(),
        [keys.manifest(3), keys.manifest(4), keys.state(3), keys.state(4), keys.pointer, keys.history].sort(),
      )
    },
  },
  {
    name: "retention: another file that was copied over the latest state does not pass for it by its size",
    async run({ open, keys, peek, plant }) {
      const writer = await open()
      await saveAll(writer, 1, 2, 3)
      const own = (await peek(keys.state(3))) as Uint8Array
      const through = stampedLater(keys.state(3))
      await plant(keys.state(3), (await peek(keys.state(1))) as Uint8Array)
      assert.deepEqual((await (await open({ through })).prune({ last: 1 })).removed, [1])
      await refusal((await open({ through })).remove(2), "CKPT_INVALID", 2)
      await assertRecovers(await open(), 2)
      await plant(keys.state(3), own)
      const { through: recorded, calls: made } = recorder()
      const readings = () => made.filter(({ call, key }) => call === "get" && key === keys.state(3)).length
      const store = await open({ through: (backend) => recorded(through(backend)) })
      assert.deepEqual((await store.prune({ last: 1 })).removed, [2])
      // What was read and is sound is not read again.
      assert.equal(readings(), 1)
      await store.prune({ last: 1 })
      assert.equal(readings(), 1)
      await assertRecovers(await open(), 3)
    },
  },
]

/** A storage that says of one object that it was written a minute after it was. */
function stampedLater(key: string): (backend: ObjectBackend) => ObjectBackend {
  const stamped = (meta: ObjectMeta): ObjectMeta =>
    meta.key === key ? { ...meta, lastModified: new Date(meta.lastModified.getTime() + 60_000) } : meta
  return (backend) =>
    intercept(backend, {
      async around({ call }, proceed) {
        const answer = await proceed()
        if (answer === undefined) return answer
        if (call === "list") return (answer as ObjectMeta[]).map(stamped)
        if (call === "head") return stamped(answer as ObjectMeta)
        return call === "get" ? { ...(answer as ObjectContent), meta: stamped((answer as ObjectContent).meta) } : answer
      },
    })
}
