import assert from "node:assert/strict"
import { calls, permanent, withFaults } from "../../../harness/faults.js"
import type { Scenario } from "../../../harness/scenario.js"
import {
  assertRecovers,
  bytes,
  legacyManifest,
  listAll,
  manifestOf,
  pointerTo,
  readAll,
  refusal,
  saveAll,
  stateText,
  text,
} from "../../support.js"

/** Differences from the reference in reading. Each scenario fails on the behaviour of the reference. */
export const readingDifferences: readonly Scenario[] = [
  {
    name: "reading finds the latest checkpoint with a missing, garbled, dangling or stale pointer",
    async run({ open, keys, plant, raw, layout }) {
      await saveAll(await open(), 1, 2)
      const garbled = ["", "not a pointer", "\u0000", new Uint8Array([0xff, 0xfe])]
      for (const pointer of [...garbled, pointerTo(layout, 9), pointerTo(layout, 1)]) {
        await plant(keys.pointer, pointer)
        const store = await open()
        assert.equal((await store.loadLatest())?.checkpointId, 2)
        assert.deepEqual(await store.ids(), [1, 2])
        await assertRecovers(store, 2)
      }
      await raw.delete([keys.pointer])
      assert.equal((await (await open()).loadLatest())?.checkpointId, 2)
    },
  },
  {
    name: "a save replaces a pointer that nobody can read and emits pointer-unreadable",
    async run({ open, keys, plant, peek, events }) {
      const store = await open()
      await saveAll(store, 1)
      await plant(keys.pointer, new Uint8Array([0xff, 0xfe, 0xfd]))
      const receipt = await (await open()).save(manifestOf(2))
      assert.deepEqual([receipt.outcome, receipt.isLatest], ["created", true])
      assert.match(text(await peek(keys.pointer)), /2\b/)
      assert.ok(events.some((event) => event.type === "pointer-unreadable"))
    },
  },
  {
    name: "recover skips a manifest that is not UTF-8 and counts only the checkpoints that it examined",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1, 2, 3, 4)
      await plant(keys.manifest(4), new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]))
      const found = await assertRecovers(store, 3)
      // The reference counts 1 and 2 too, which were not examined.
      assert.equal(found.examined, 2)
      assert.equal(found.nextId, 5)
      assert.deepEqual(
        found.skipped.map(({ id, key }) => ({ id, key })),
        [{ id: 4, key: keys.manifest(4) }],
      )
      assert.equal(found.skipped[0]?.issues[0]?.severity, "fatal")
    },
  },
  {
    name: "verify reports an operator's range outside the state as operator-range",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1)
      const ranges = [
        [0, 11],
        [11, 1],
        [9_007_199_254_740_991, 9_007_199_254_740_991],
      ]
      for (const [index, [external_offset, external_length]] of ranges.entries()) {
        const id = 2 + index
        const operator_states = { op: { state_b64: null, external: true, external_offset, external_length } }
        await plant(keys.state(id), "ten bytes.")
        await plant(keys.manifest(id), legacyManifest(id, { operator_states }))
        const { valid, issues } = await store.verify(id)
        assert.equal(valid, false)
        assert.ok(issues.some(({ code }) => code === "operator-range"))
      }
      await assertRecovers(store, 1)
    },
  },
  {
    name: "recover skips a manifest whose inline state is not base64",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1)
      await plant(keys.manifest(2), legacyManifest(2, { operator_states: { op: { state_b64: "ab*d!!!" } } }))
      const found = await assertRecovers(store, 1)
      assert.ok(found.skipped[0]?.issues.some(({ code }) => code === "operator-base64"))
    },
  },
  {
    name: "a manifest under another id's name is skipped by recover and CKPT_CORRUPT for loadLatest",
    async run({ open, keys, plant, peek }) {
      const store = await open()
      await saveAll(store, 1)
      await plant(keys.manifest(2), (await peek(keys.manifest(1))) as Uint8Array)
      await plant(keys.state(2), (await peek(keys.state(1))) as Uint8Array)
      const found = await assertRecovers(store, 1)
      assert.ok(found.skipped[0]?.issues.some(({ code }) => code === "id-mismatch"))
      await refusal(store.loadLatest(), "CKPT_CORRUPT", 2)
    },
  },
  {
    name: "list and prune reject with CKPT_IO if one manifest cannot be read",
    async run({ open, keys }) {
      await saveAll(await open(), 1, 2, 3)
      const on = calls("get", keys.manifest(2))
      const store = await open({ through: (b) => withFaults(b, { on, at: "before", error: permanent }) })
      await refusal(listAll(store), "CKPT_IO")
      await refusal(store.prune({ last: 1 }), "CKPT_IO")
      assert.deepEqual(await (await open()).ids(), [1, 2, 3])
    },
  },
  {
    name: "ids shows every manifest, list marks the damaged ones, nextId counts states and directories too",
    async run({ open, keys, plant, layout }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await plant(keys.manifest(2), "damaged")
      await plant(keys.state(7), "an orphan")
      assert.deepEqual(await store.ids(), [1, 2, 3])
      const all = await listAll(store)
      assert.deepEqual(
        all.map(({ id, valid }) => [id, valid]),
        [
          [1, true],
          [2, false],
          [3, true],
        ],
      )
      assert.equal(all[1]?.issues[0]?.code, "manifest-corrupt")
      assert.equal(await store.nextId(), 8)
      if (layout === "directory") {
        await plant("checkpoints/checkpoint_000009/x", "in the way")
        assert.equal(await store.nextId(), 10)
        assert.deepEqual(await store.ids(), [1, 2, 3])
      }
      assert.equal((await store.recover()).nextId, await store.nextId())
    },
  },
  {
    name: "recover says exhausted, not fresh, if no checkpoint verifies",
    async run({ open, keys, plant }) {
      const store = await open()
      assert.deepEqual((await store.recover()).outcome, "fresh")
      await saveAll(store, 1, 2)
      for (const id of [1, 2]) await plant(keys.manifest(id), "{}")
      const found = await store.recover()
      assert.equal(found.outcome, "exhausted")
      assert.deepEqual([found.checkpoint, found.examined, found.nextId], [undefined, 2, 3])
      assert.deepEqual(
        found.skipped.map(({ id }) => id),
        [2, 1],
      )
    },
  },
  {
    name: "a foreign key is one foreign-key event and stays where it is",
    async run({ open, plant, events, layout, allKeys }) {
      const strangers =
        layout === "directory"
          ? [
              "checkpoints/checkpoint_9/state.bin",
              "checkpoints/checkpoint_+00011/manifest.json",
              "checkpoints/checkpoint_0000012/manifest.json",
              "checkpoints/notes.txt",
            ]
          : [
              "manifests/manifest-9.json",
              "manifests/manifest-+00011.json",
              "manifests/archive/manifest-000013.json",
              "checkpoints/state-0000012.bin",
            ]
      for (const key of strangers) await plant(key, "whose?")
      const store = await open()
      await saveAll(store, 1, 2)
      for (let round = 0; round < 2; round++) {
        assert.deepEqual(await store.ids(), [1, 2])
        assert.equal(await store.nextId(), 3)
        await assertRecovers(store, 2)
        await store.collectOrphans({ olderThanMs: 0 })
      }
      const said = events.flatMap((event) => (event.type === "foreign-key" ? [event.key] : []))
      assert.deepEqual(said.sort(), [...strangers].sort())
      const left = await allKeys()
      for (const key of strangers) assert.ok(left.includes(key))
    },
  },
  {
    name: "a manifest with warnings is recovered, and the warnings are a manifest-warnings event",
    async run({ open, events }) {
      const store = await open()
      await store.save(manifestOf(1, { vnodeCount: 12, timestampMs: 0 }), { state: bytes(stateText(1)) })
      const found = await store.recover()
      assert.equal(found.checkpoint?.id, 1)
      assert.equal(await readAll(await found.checkpoint?.state()), stateText(1))
      const told = events.find((event) => event.type === "manifest-warnings")
      assert.deepEqual(told?.issues.map(({ code }) => code).sort(), ["timestamp-zero", "vnode-count"])
    },
  },
]
