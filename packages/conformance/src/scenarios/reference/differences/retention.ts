import assert from "node:assert/strict"
import type { ObjectBackend } from "@ckpt/core"
import { calls, denied, intercept, permanent, recorder, withFaults } from "../../../harness/faults.js"
import type { Scenario } from "../../../harness/scenario.js"
import { later } from "../../retention/clocks.js"
import { assertRecovers, manifestOf, range, refusal, saveAll, text } from "../../support.js"

/** Makes single keys of a delete fail, as a storage may report for many deletes in one request. */
function undeletable(backend: ObjectBackend, ...keys: string[]): ObjectBackend {
  return {
    ...intercept(backend, {}),
    async delete(wanted, options) {
      const failures = await backend.delete(
        wanted.filter((key) => !keys.includes(key)),
        options,
      )
      return [...failures, ...wanted.filter((key) => keys.includes(key)).map((key) => ({ key, error: denied() }))]
    },
  }
}

/** Differences from the reference in removing. Each scenario fails on the behaviour of the reference. */
export const retentionDifferences: readonly Scenario[] = [
  {
    name: "prune does not count damaged checkpoints, so the only valid one stays",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await plant(keys.manifest(2), "damaged")
      await plant(keys.manifest(3), "damaged")
      const report = await store.prune({ last: 1 })
      assert.deepEqual(report.removed, [])
      await assertRecovers(await open(), 1)
    },
  },
  {
    name: "prune does not count states without a manifest and leaves those above the latest valid checkpoint",
    async run({ open, keys, plant, allKeys }) {
      const store = await open()
      await saveAll(store, 1, 2)
      for (const id of [7, 8, 9]) await plant(keys.state(id), "an orphan, or a save under way")
      await store.prune({ last: 1 })
      await assertRecovers(store, 2)
      const left = await allKeys()
      for (const id of [7, 8, 9]) assert.ok(left.includes(keys.state(id)))
    },
  },
  {
    name: "no policy of prune empties a store, and last below 1 is CKPT_INVALID",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1, 2)
      for (const last of [0, -1, 0.5, Number.NaN]) await refusal(store.prune({ last }), "CKPT_INVALID")
      await refusal(store.prune({}), "CKPT_INVALID")
      await store.prune({ withinMs: 0 })
      await store.prune({ keepIf: () => false })
      await assertRecovers(store, 2)
    },
  },
  {
    name: "prune removes a damaged checkpoint once as many valid ones lie above it as the policy keeps, and no earlier",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await plant(keys.manifest(2), "damaged")
      const report = await store.prune({ last: 2 })
      assert.deepEqual([report.removed, report.kept], [[], [1, 2, 3]])
      await saveAll(store, 4)
      assert.deepEqual((await store.prune({ last: 2 })).removed, [1, 2])
      assert.deepEqual(await store.ids(), [3, 4])
    },
  },
  {
    name: "prune keeps a checkpoint of a newer version, however many valid ones lie above it",
    async run({ open, keys, plant, peek }) {
      const store = await open()
      await saveAll(store, 1, 2)
      const newer = text(await peek(keys.manifest(1))).replace('"version": 1', '"version": 2')
      await plant(keys.manifest(1), newer)
      await saveAll(store, ...range(3, 6))
      const report = await store.prune({ last: 1 })
      assert.deepEqual([report.removed, report.kept], [range(2, 5), [1, 6]])
      assert.equal(text(await peek(keys.manifest(1))), newer)
    },
  },
  {
    name: "prune removes every manifest before any state",
    async run({ open, keys }) {
      await saveAll(await open(), 1, 2, 3)
      const { calls, through } = recorder()
      const store = await open({ through })
      await store.prune({ last: 1 })
      // Before the first change the storage is checked, by a probe.
      const deletes = calls.filter(({ call }) => call === "delete")
      const deleted = deletes.flatMap(({ keys }) => keys ?? []).filter((key) => !key.includes(".ckpt-probe-"))
      assert.deepEqual(deleted, [keys.manifest(1), keys.manifest(2), keys.state(1), keys.state(2)])
    },
  },
  {
    name: "prune reports each key that could not be deleted and counts only checkpoints that are gone",
    async run({ open, keys, allKeys }) {
      await saveAll(await open(), 1, 2, 3, 4)
      const store = await open({ through: (b) => undeletable(b, keys.manifest(1), keys.state(2)) })
      const report = await store.prune({ last: 1 })
      assert.deepEqual(report.removed, [3])
      assert.deepEqual(
        report.failures.map(({ id, key }) => [id, key]),
        [
          [1, keys.manifest(1)],
          [2, keys.state(2)],
        ],
      )
      const left = await allKeys()
      // A manifest that stays keeps its state.
      for (const key of [keys.manifest(1), keys.state(1), keys.state(2)]) assert.ok(left.includes(key), key)
      for (const key of [keys.manifest(2), keys.manifest(3), keys.state(3)]) assert.ok(!left.includes(key), key)
    },
  },
  {
    name: "a save succeeds if the retention after it fails, and the failure is a retention-failed event",
    async run({ open, events }) {
      const through = (backend: ObjectBackend) =>
        withFaults(backend, {
          on: ({ call, key }) => call === "delete" && !key.includes("probe"),
          at: "before",
          error: permanent,
        })
      const store = await open({ through, retain: { last: 1 } })
      await saveAll(store, 1, 2)
      assert.deepEqual(await store.ids(), await (await open()).ids())
      assert.ok(events.some((event) => event.type === "retention-failed"))
    },
  },
  {
    name: "collectOrphans leaves a state above the latest valid checkpoint for the save that is under way",
    async run({ open, keys, allKeys }) {
      const store = await open()
      await saveAll(store, 3)
      await store.writeState(4, [new Uint8Array(10)])
      await (await open()).collectOrphans({ olderThanMs: 0 })
      assert.ok((await allKeys()).includes(keys.state(4)))
      const receipt = await store.save(manifestOf(4))
      assert.equal(receipt.stateSize, 10)
      assert.equal((await store.verify(4)).valid, true)
    },
  },
  {
    name: "collectOrphans without options leaves states alone that are younger than an hour",
    async run({ open, keys, plant, allKeys }) {
      await saveAll(await open(), 3)
      await plant(keys.state(2), "of a slow writer")
      const hour = 3_600_000
      assert.deepEqual((await (await open()).collectOrphans()).removed, [])
      assert.deepEqual((await (await open({ through: later(0.9 * hour) })).collectOrphans()).removed, [])
      assert.deepEqual((await (await open({ through: later(1.1 * hour) })).collectOrphans()).removed, [keys.state(2)])
      assert.ok(!(await allKeys()).includes(keys.state(2)))
    },
  },
  {
    name: "collectOrphans leaves every foreign key alone",
    async run({ open, plant, layout, allKeys }) {
      const foreign =
        layout === "directory"
          ? [
              "checkpoints/backup/state.bin",
              "checkpoints/checkpoint_1/state.bin",
              "checkpoints/checkpoint_000001/notes",
            ]
          : ["checkpoints/backup/state-000001.bin", "checkpoints/state-1.bin", "manifests/old/manifest-000001.json"]
      for (const key of foreign) await plant(key, "not ours")
      const store = await open()
      await saveAll(store, 5)
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [])
      const left = await allKeys()
      for (const key of foreign) assert.ok(left.includes(key))
    },
  },
  {
    name: "collectOrphans asks the backend for leftovers, under the prefixes of the store only",
    async run({ open, layout }) {
      await saveAll(await open(), 1)
      const asked: unknown[] = []
      const through = (backend: ObjectBackend): ObjectBackend => ({
        ...intercept(backend, {}),
        async leftovers({ olderThanMs, dryRun, prefix }) {
          asked.push([prefix, olderThanMs, dryRun])
          if (prefix !== "checkpoints/") return []
          return [
            { name: "upload-1", since: new Date(0) },
            { name: "upload-2", since: new Date(0), error: denied() },
          ]
        },
      })
      const report = await (await open({ through })).collectOrphans()
      // Only under its own prefixes: the rest of a bucket belongs to others.
      const prefixes = layout === "objects" ? ["checkpoints/", "manifests/"] : ["checkpoints/"]
      assert.deepEqual(
        asked,
        prefixes.map((prefix) => [prefix, 3_600_000, false]),
      )
      assert.deepEqual(report.removed, ["upload-1"])
      assert.deepEqual(
        report.failures.map(({ key }) => key),
        ["upload-2"],
      )
    },
  },
  {
    name: "collectOrphans tells the backend which unfinished writes may go: its own, below the latest valid checkpoint",
    async run({ open, keys, raw }) {
      await saveAll(await open(), 5)
      const now = (await raw.now()).getTime()
      const hour = 3_600_000
      const probe = "checkpoints/.ckpt-probe-00ff"
      const asked: Record<string, boolean | undefined> = {}
      const through = (backend: ObjectBackend): ObjectBackend => ({
        ...intercept(backend, {}),
        async leftovers({ mayGo }) {
          const ask = (name: string, key: string, age: number) => {
            asked[name] = mayGo?.(key, new Date(now - age))
          }
          for (const id of [4, 5, 6]) {
            ask(`state ${id}`, keys.state(id), 0)
            ask(`manifest ${id}`, keys.manifest(id), 0)
          }
          ask("young probe", probe, hour - 60_000)
          ask("old probe", probe, hour)
          ask("pointer", keys.pointer, hour)
          ask("foreign", "checkpoints/foreign.bin", hour)
          return []
        },
      })
      await (await open({ through })).collectOrphans({ olderThanMs: 0 })
      assert.deepEqual(
        Object.keys(asked).filter((name) => asked[name] === true),
        ["state 4", "manifest 4", "old probe"],
      )
    },
  },
  {
    name: "collectOrphans counts what is gone and reports what could not be deleted",
    async run({ open, keys, plant }) {
      await saveAll(await open(), 5)
      for (const id of [1, 2]) await plant(keys.state(id), "an orphan")
      const store = await open({ through: (b) => undeletable(b, keys.state(1)) })
      const report = await store.collectOrphans({ olderThanMs: 0 })
      assert.deepEqual(report.removed, [keys.state(2)])
      assert.deepEqual(
        report.failures.map(({ key }) => key),
        [keys.state(1)],
      )
    },
  },
  {
    name: "prune, collectOrphans and recover reject with CKPT_IO and remove nothing if a listing fails",
    async run({ open, allKeys }) {
      await saveAll(await open(), 1, 2)
      const before = await allKeys()
      const through = (b: ObjectBackend) => withFaults(b, { on: calls("list"), at: "before", error: permanent })
      const store = await open({ through })
      await refusal(store.prune({ last: 1 }), "CKPT_IO")
      await refusal(store.collectOrphans({ olderThanMs: 0 }), "CKPT_IO")
      await refusal(store.recover(), "CKPT_IO")
      assert.deepEqual(await allKeys(), before)
    },
  },
]
