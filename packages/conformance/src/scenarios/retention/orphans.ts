import assert from "node:assert/strict"
import type { ObjectBackend, ObjectMeta } from "@ckpt/core"
import { intercept, recorder, withoutCommit } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { gate, until } from "../../harness/waiting.js"
import { assertRecovers, bytes, flipped, manifestOf, pointerTo, refusal, saveAll, stateText } from "../support.js"
import { later, skewedClock } from "./clocks.js"

const year = 365 * 24 * 3_600_000

export const orphanScenarios: readonly Scenario[] = [
  {
    name: "orphans: collectOrphans removes states without a manifest below the latest valid checkpoint, and no others",
    async run({ open, keys, plant, allKeys }) {
      const store = await open()
      await saveAll(store, 3, 5)
      for (const id of [1, 4, 6, 9]) await plant(keys.state(id), "an orphan")
      const report = await store.collectOrphans({ olderThanMs: 0 })
      assert.deepEqual([[...report.removed].sort(), report.failures], [[keys.state(1), keys.state(4)], []])
      const left = await allKeys()
      for (const id of [3, 5, 6, 9]) assert.ok(left.includes(keys.state(id)))
      for (const id of [3, 5]) assert.equal((await store.verify(id)).valid, true)
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [])
    },
  },
  {
    name: "orphans: if all that is left over is pinned, collectOrphans neither writes nor deletes, and reads the history once",
    async run({ open, keys, raw, allKeys }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await store.pin(1, "kept")
      await raw.delete([keys.manifest(1)])
      const { calls, through } = recorder()
      const other = await open({ through })
      const before = await allKeys()
      assert.deepEqual(await other.collectOrphans({ olderThanMs: 0 }), { removed: [], failures: [], dryRun: false })
      assert.deepEqual(await allKeys(), before)
      const isChange = ({ call, key }: { call: string; key: string }) =>
        (call === "put" || call === "delete" || call === "commit") && !key.includes(".ckpt-probe-")
      assert.deepEqual(calls.filter(isChange), [])
      // Before the listings, for the latest checkpoint.
      assert.equal(calls.filter(({ call, key }) => call === "get" && key === keys.history).length, 1)
    },
  },
  {
    name: "orphans: a listing that lacks the latest checkpoint is CKPT_IO, and nothing is removed",
    async run({ open, keys, plant, allKeys }) {
      await saveAll(await open(), 2, 3, 5)
      await plant(keys.state(1), "an orphan")
      let broken = false
      // As if a page of the listing were read as an empty one.
      const through = (backend: ObjectBackend): ObjectBackend => ({
        ...intercept(backend, {}),
        async *list(prefix, options) {
          for await (const meta of backend.list(prefix, options))
            if (!broken || !/manifest-|manifest\.json/.test(meta.key)) yield meta
        },
      })
      const before = await allKeys()
      const store = await open({ through, retry: { attempts: 2 } })
      assert.equal((await store.loadLatest())?.checkpointId, 5)
      broken = true
      const error = await refusal(store.collectOrphans({ olderThanMs: 0 }), "CKPT_IO")
      assert.equal(error.retryable, true)
      assert.deepEqual(await allKeys(), before)
    },
  },
  {
    name: "orphans: nothing is removed while no checkpoint verifies",
    async run({ open, keys, plant, allKeys }) {
      const store = await open()
      await plant(keys.state(1), "an orphan")
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [])
      await saveAll(store, 2)
      await plant(keys.manifest(2), "damaged")
      assert.deepEqual((await (await open()).collectOrphans({ olderThanMs: 0 })).removed, [])
      assert.ok((await allKeys()).includes(keys.state(1)))
    },
  },
  {
    name: "orphans: nothing above the latest valid checkpoint is removed, whatever the pointer says",
    async run({ open, keys, plant, raw, peek, layout }) {
      const store = await open()
      await saveAll(store, 2, 5)
      for (const id of [1, 3]) await plant(keys.state(id), "an orphan")
      await plant(keys.state(5), flipped(await peek(keys.state(5))))
      await assertRecovers(store, 2)
      // This store has seen that 5 is damaged.
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [keys.state(1)])

      await plant(keys.state(1), "an orphan")
      await plant(keys.manifest(5), "damaged")
      for (const pointer of [pointerTo(layout, 99), "garbled", undefined]) {
        if (pointer === undefined) await raw.delete([keys.pointer])
        else await plant(keys.pointer, pointer)
        const report = await (await open()).collectOrphans({ olderThanMs: 0, dryRun: true })
        assert.deepEqual(report.removed, [keys.state(1)])
      }
    },
  },
  {
    name: "orphans: a dry run of collectOrphans reports the same as a real run and writes nothing",
    async run({ open, keys, plant, allKeys }) {
      await saveAll(await open(), 5)
      for (const id of [1, 2]) await plant(keys.state(id), "an orphan")
      const { calls, through } = recorder()
      const store = await open({ through })
      const before = await allKeys()
      const dry = await store.collectOrphans({ olderThanMs: 0, dryRun: true })
      assert.deepEqual(await allKeys(), before)
      assert.ok(!calls.some(({ call }) => call === "put" || call === "delete" || call === "commit"))
      const real = await store.collectOrphans({ olderThanMs: 0 })
      assert.deepEqual({ ...dry, dryRun: false }, real)
      assert.equal(real.removed.length, 2)
    },
  },
  {
    name: "orphans: age goes by the storage's clock, not by the collector's",
    async run({ open, keys, plant }) {
      await saveAll(await open(), 5)
      await plant(keys.state(1), "an orphan")
      for (const skew of [-10 * year, -3_600_000, 3_600_000, 10 * year]) {
        const store = await open({ clock: skewedClock(skew), timeoutMs: Number.POSITIVE_INFINITY })
        assert.deepEqual((await store.collectOrphans()).removed, [])
      }
      // The storage's clock is behind the object's date: the object counts as young.
      assert.deepEqual(
        (await (await open({ through: later(-10 * year) })).collectOrphans({ olderThanMs: 0 })).removed,
        [],
      )
      // An age of years beyond the limit tells of a clock that is wrong: a state of this minute would have it too.
      const wrong = await open({ through: later(10 * year) })
      assert.deepEqual((await wrong.collectOrphans()).removed, [])
      assert.deepEqual((await wrong.collectOrphans({ olderThanMs: 9 * year, dryRun: true })).removed, [keys.state(1)])
      assert.deepEqual((await (await open({ through: later(year) })).collectOrphans()).removed, [keys.state(1)])
    },
  },
  {
    name: "orphans: a save whose state is collected meanwhile is CKPT_CONFLICT",
    async run({ open, keys, allKeys }) {
      await saveAll(await open(), 5)
      const door = gate()
      let waiting = false
      const slow = await open({
        through: (backend) =>
          intercept(withoutCommit(backend), {
            async around({ call, key }, proceed) {
              if (call === "put" && key === keys.manifest(2)) {
                waiting = true
                await door.passed
              }
              return proceed()
            },
          }),
      })
      await slow.writeState(2, bytes(stateText(2)))
      const saving = slow.save(manifestOf(2)).then(
        () => "saved",
        (error) => error.code,
      )
      await until(() => waiting, "the put of the manifest")
      assert.deepEqual((await (await open()).collectOrphans({ olderThanMs: 0 })).removed, [keys.state(2)])
      door.open()
      assert.equal(await saving, "CKPT_CONFLICT")
      await assertRecovers(await open(), 5)
      assert.deepEqual(await (await open()).ids(), [5])
      await refusal((await open()).save(manifestOf(1)), "CKPT_CONFLICT", 1)
      assert.ok((await allKeys()).includes(keys.state(5)))
    },
  },
  {
    name: "orphans: a save that ends between the listings of states and manifests keeps its state",
    async run({ open, keys }) {
      const writer = await open()
      await saveAll(writer, 5)
      await writer.writeState(2, bytes(stateText(2)))
      let finished = false
      const collector = await open({
        through: (backend) =>
          intercept(backend, {
            async around({ call }, proceed) {
              if (call !== "list") return proceed()
              const listed = (await proceed()) as ObjectMeta[]
              if (!finished && listed.some(({ key }) => key === keys.state(2))) {
                finished = true
                await writer.save(manifestOf(2))
              }
              return listed
            },
          }),
      })
      assert.deepEqual((await collector.collectOrphans({ olderThanMs: 0 })).removed, [])
      assert.ok(finished)
      assert.deepEqual(await (await open()).verify(2), { id: 2, valid: true, issues: [] })
    },
  },
  {
    name: "orphans: a probe object is removed once it is an hour old, whatever the limit",
    async run({ open, plant, allKeys, events }) {
      const probe = "checkpoints/.ckpt-probe-0123456789abcdef"
      await saveAll(await open(), 1)
      await plant(probe, "a check")
      const removed = async (aged: number, options: { olderThanMs?: number }) =>
        (await (await open({ through: later(aged) })).collectOrphans(options)).removed
      const hour = 3_600_000
      for (const options of [{}, { olderThanMs: 0 }]) assert.deepEqual(await removed(hour - 60_000, options), [])
      assert.deepEqual(await removed(2 * hour, { olderThanMs: 3 * hour }), [])
      assert.deepEqual(await removed(hour + 1_000, { olderThanMs: 0 }), [probe])
      assert.ok(!(await allKeys()).includes(probe))
      assert.ok(events.some((event) => event.type === "orphan-removed" && event.key === probe))
    },
  },
  {
    name: "orphans: a negative olderThanMs or NaN is CKPT_INVALID",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1)
      for (const olderThanMs of [-1, Number.NaN]) await refusal(store.collectOrphans({ olderThanMs }), "CKPT_INVALID")
    },
  },
]
