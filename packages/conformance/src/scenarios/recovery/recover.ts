import assert from "node:assert/strict"
import { BackendError, openCheckpointStore } from "@ckpt/core"
import { calls, denied, permanent, withFaults } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import {
  assertRecovers,
  bytes,
  listAll,
  manifestOf,
  pointerTo,
  readAll,
  refusal,
  rejection,
  saveAll,
  stateText,
} from "../support.js"

export const recoveryScenarios: readonly Scenario[] = [
  {
    name: "recovery: damaged manifests with high ids never push a valid checkpoint out",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1, 2)
      for (let id = 100; id < 130; id++) await plant(keys.manifest(id), `garbage ${id}`)
      for (let id = 200; id < 210; id++) await plant(keys.state(id), "an orphan")
      const found = await assertRecovers(store, 2)
      assert.deepEqual([found.skipped.length, found.examined, found.nextId], [30, 31, 210])
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1])
      await assertRecovers(store, 2)
      assert.equal((await store.save(manifestOf(210), { state: bytes(stateText(210)) })).isLatest, true)
      await assertRecovers(await open(), 210)
    },
  },
  {
    name: "recovery: accept chooses among the checkpoints that verify",
    async run({ open }) {
      const store = await open()
      for (const id of [1, 2, 3]) await store.save(manifestOf(id, { pipelineHash: BigInt(id % 2) }))
      const asked: number[] = []
      const found = await store.recover({
        accept: async ({ checkpointId, pipelineHash }) => {
          asked.push(checkpointId)
          return pipelineHash === 0n
        },
      })
      assert.deepEqual([found.checkpoint?.id, asked, found.examined], [2, [3, 2], 2])
      assert.deepEqual(
        found.skipped.map(({ id, issues }) => [id, issues.map(({ code }) => code)]),
        [[3, ["not-accepted"]]],
      )
      const none = await store.recover({ accept: () => false })
      assert.deepEqual([none.outcome, none.skipped.length], ["exhausted", 3])
      const mine = new Error("mine")
      const accept = () => {
        throw mine
      }
      assert.equal(await rejection(store.recover({ accept })), mine)
    },
  },
  {
    name: "recovery: a store without manifests and pointer is fresh",
    async run({ open, keys, plant, layout }) {
      const store = await open()
      const found = await store.recover()
      assert.deepEqual(
        [found.outcome, found.checkpoint, found.skipped, found.examined, found.nextId],
        ["fresh", undefined, [], 0, 1],
      )
      assert.equal(await store.loadLatest(), undefined)
      assert.deepEqual(await store.ids(), [])
      assert.deepEqual(await listAll(store), [])
      await plant(keys.state(4), "a lone orphan")
      assert.deepEqual([(await store.recover()).outcome, (await store.recover()).nextId], ["fresh", 5])
      if (layout === "directory") await plant("checkpoints/checkpoint_000007/x", "in the way")
      assert.equal((await store.recover()).outcome, "fresh")
    },
  },
  {
    name: "recovery: a store with checkpoints of the other layout is CKPT_INVALID, not fresh",
    async run({ open, raw, layout, allKeys }) {
      const other = await openCheckpointStore({ backend: raw, layout: layout === "objects" ? "directory" : "objects" })
      // Without a state: the other layout does not list the place where "objects" puts states.
      await other.save(manifestOf(1))
      await other.close()
      const before = await allKeys()
      const store = await open()
      for (const recovering of [() => store.recover(), () => store.restore(async () => 1)]) {
        const error = await refusal(recovering(), "CKPT_INVALID")
        assert.match(error.message, /Open the store with layout: "(directory|objects)"/)
      }
      assert.deepEqual(await allKeys(), before)
    },
  },
  {
    name: "recovery: the folder of a store's manifests is no place of a store, and recovery says where the store is",
    async run({ open, allKeys, layout }) {
      await saveAll(await open({ prefix: "job" }), 1, 2)
      const before = await allKeys()
      const folder = layout === "directory" ? "checkpoints" : "manifests"
      const store = await open({ prefix: `job/${folder}` })
      for (const recovering of [() => store.recover(), () => store.restore(async () => 1)]) {
        const error = await refusal(recovering(), "CKPT_INVALID")
        assert.match(error.message, new RegExp(`ends before ${folder}/, or use another place`))
      }
      assert.deepEqual(await allKeys(), before)
      // Beside it nothing is in the way.
      assert.equal((await (await open({ prefix: "job/other" })).recover()).outcome, "fresh")
    },
  },
  {
    name: "recovery: a prefix in another normal form of Unicode is fresh, and an event names the checkpoint and its prefix",
    async run({ open, events }) {
      // "é" in one code point, and in two.
      const [one, two] = ["caf\u00e9/", "cafe\u0301/"]
      const said = () => events.filter((event) => event.type === "prefix-in-other-form")
      for (const [written, opened] of [
        [one, two],
        [`${two}a`, `${one}a`],
      ] as const) {
        await saveAll(await open({ prefix: written }), 1)
        const store = await open({ prefix: opened })
        const found = await store.recover()
        // A file system that takes both forms for one name finds the checkpoint itself.
        if (found.outcome === "recovered") continue
        assert.equal(found.outcome, "fresh")
        const told = said().at(-1)
        assert.ok(told !== undefined, "no event")
        const [expected, under] = [written, opened].map((prefix) => (prefix.endsWith("/") ? prefix : `${prefix}/`))
        assert.deepEqual([told.prefix, told.found], [under, expected])
        assert.ok(told.key.startsWith(expected as string))
        await saveAll(store, 1)
        const before = said().length
        await assertRecovers(store, 1)
        assert.equal(said().length, before)
      }
      const count = said().length
      for (const prefix of ["plain", "na\u00efve", ""])
        assert.equal((await (await open({ prefix })).recover()).outcome, "fresh")
      assert.equal(said().length, count)
    },
  },
  {
    name: "recovery: a store with only a dangling or a garbled pointer is exhausted, not fresh",
    async run({ open, keys, plant, layout }) {
      const store = await open()
      await plant(keys.pointer, pointerTo(layout, 9))
      const dangling = await store.recover()
      assert.deepEqual([dangling.outcome, dangling.nextId], ["exhausted", 10])
      await plant(keys.pointer, "garbled")
      assert.equal((await store.recover()).outcome, "exhausted")
      assert.equal((await store.save(manifestOf(10))).isLatest, true)
      assert.equal((await store.recover()).checkpoint?.id, 10)
    },
  },
  {
    name: "recovery: a failure of the storage rejects, whichever request fails",
    async run({ open, keys, raw }) {
      await saveAll(await open(), 1, 2)
      const places = {
        list: calls("list"),
        history: calls("get", keys.history),
        manifest: calls("get", keys.manifest(2)),
        state: calls("get", keys.state(2)),
      }
      for (const [place, on] of Object.entries(places)) {
        const failures = [
          [permanent, "CKPT_IO"],
          [denied, "CKPT_DENIED"],
          [() => new BackendError("ambiguous", "?"), "CKPT_IO"],
        ] as const
        for (const [error, code] of failures) {
          const store = await open({ through: (b) => withFaults(b, { on, at: "before", error }) })
          const failure = await refusal(store.recover(), code)
          assert.equal(failure.backend, raw.name)
          if (place !== "state") await refusal(store.loadLatest(), code)
        }
      }
      // An outage before the first save is CKPT_IO too, not fresh.
      const down = await open({ through: (b) => withFaults(b, { on: () => true, at: "before", error: permanent }) })
      await refusal(down.recover(), "CKPT_IO")
      await refusal(down.nextId(), "CKPT_IO")
    },
  },
  {
    name: "recovery: a shallow recover checks sizes alone, and reading the state verifies it",
    async run({ open, keys, plant, peek }) {
      const store = await open()
      await saveAll(store, 1, 2)
      const state = (await peek(keys.state(2))) as Uint8Array
      await plant(keys.state(2), state.toReversed())
      const found = await store.recover({ depth: "shallow" })
      assert.equal(found.checkpoint?.id, 2)
      await refusal(readAll(await found.checkpoint?.state()), "CKPT_CORRUPT", 2)
      assert.equal((await store.verify(2, { depth: "shallow" })).valid, true)
      assert.deepEqual(
        (await store.verify(2)).issues.map(({ code }) => code),
        ["state-checksum"],
      )
      for (const other of [state.subarray(1), new Uint8Array([...state, 0]), undefined]) {
        if (other === undefined) await (await open()).collectOrphans()
        else await plant(keys.state(2), other)
        assert.equal((await store.recover({ depth: "shallow" })).checkpoint?.id, 1)
      }
    },
  },
]
