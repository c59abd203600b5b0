import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { decodeInline, inlineOperator } from "@ckpt/core"
import { intercept } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { idsAndEpochs, manifestOf, stateText, textBytes, twins } from "./support.js"

const blob = "large operator state binary blob"

export const referenceSaves: readonly Scenario[] = [
  ...twins(
    "test_save_and_load_latest",
    "test_obj_save_and_load_latest",
    "a saved checkpoint is the latest",
    async ({ open }) => {
      const store = await open({ retain: { last: 3 } })
      await store.save(manifestOf(1, 1))
      const latest = await store.loadLatest()
      assert.equal(latest?.checkpointId, 1)
      assert.equal(latest?.epoch, 1)
    },
  ),

  ...twins(
    "test_load_latest_returns_none_when_empty",
    "test_obj_load_latest_returns_none_when_empty",
    "an empty store has no latest, and looking creates nothing",
    async ({ open, allKeys }) => {
      const store = await open({ retain: { last: 3 } })
      assert.equal(await store.loadLatest(), undefined)
      assert.deepEqual(await allKeys(), [])
    },
  ),

  {
    name: "test_load_latest_returns_most_recent: after five saves the fifth is the latest",
    async run({ open }) {
      const store = await open({ retain: { last: 10 } })
      for (let id = 1; id <= 5; id++) await store.save(manifestOf(id, id))
      const latest = await store.loadLatest()
      assert.equal(latest?.checkpointId, 5)
      assert.equal(latest?.epoch, 5)
    },
  },

  ...twins(
    "test_load_by_id",
    "test_obj_load_by_id",
    "each checkpoint is loaded by its id, and an unknown id is undefined",
    async ({ open }) => {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(1, 10))
      await store.save(manifestOf(2, 20))
      assert.equal((await store.load(1))?.epoch, 10)
      assert.equal((await store.load(2))?.epoch, 20)
      assert.equal(await store.load(99), undefined)
    },
  ),

  ...twins("test_list", "test_obj_list", "list is ascending, whatever the order of the saves", async ({ open }) => {
    const store = await open({ retain: { last: 10 } })
    await store.save(manifestOf(1, 10))
    await store.save(manifestOf(3, 30))
    await store.save(manifestOf(2, 20))
    const expected = [
      [1, 10],
      [2, 20],
      [3, 30],
    ]
    assert.deepEqual(await idsAndEpochs(store), expected)
    assert.deepEqual(await store.ids(), [1, 2, 3])
  }),

  ...twins(
    "test_save_and_load_state_data",
    "test_obj_save_and_load_state_data",
    "a state written after its manifest is read back; here verify warns, and other bytes are CKPT_CONFLICT",
    async ({ open }) => {
      const store = await open({ retain: { last: 3 } })
      await store.save(manifestOf(1, 1))
      await store.writeState(1, textBytes(blob))
      assert.equal(await stateText(store, 1), blob)
      // The reference verifies it without a warning, although no checksum covers the bytes.
      const { valid, issues } = await store.verify(1)
      assert.equal(valid, true)
      assert.deepEqual(
        issues.map((issue) => issue.code),
        ["state-unverified"],
      )
      // The reference overwrites.
      await assert.rejects(store.writeState(1, textBytes("other bytes")), { code: "CKPT_CONFLICT" })
      assert.equal(await stateText(store, 1), blob)
    },
  ),

  ...twins(
    "test_load_state_data_returns_none",
    "test_obj_load_state_data_returns_none",
    "the state of an unknown id is undefined",
    async ({ open }) => {
      const store = await open({ retain: { last: 3 } })
      assert.equal(await store.readState(99), undefined)
    },
  ),

  {
    name: "test_full_manifest_round_trip: every field that was set comes back",
    async run({ open }) {
      const store = await open({ retain: { last: 3 } })
      const manifest = manifestOf(1, 5, {
        sourceOffsets: { "kafka-src": { epoch: 5, offsets: { "0": "1000", "1": "2000" } } },
        sinkEpochs: { "pg-sink": 4 },
        tableOffsets: { instruments: { epoch: 5, offsets: { lsn: "0/AB" } } },
        operatorStates: { window: inlineOperator(textBytes("data")) },
        watermark: 999_000n,
      })
      await store.save(manifest)
      const loaded = await store.loadLatest()
      assert.ok(loaded !== undefined)
      assert.equal(loaded.checkpointId, 1)
      assert.equal(loaded.epoch, 5)
      assert.equal(loaded.watermark, 999_000n)
      assert.equal(loaded.sourceOffsets["kafka-src"]?.offsets["0"], "1000")
      assert.equal(loaded.sinkEpochs["pg-sink"], 4)
      assert.equal(loaded.tableOffsets["instruments"]?.offsets["lsn"], "0/AB")
      const window = loaded.operatorStates["window"]
      assert.ok(window !== undefined)
      assert.deepEqual(Buffer.from(decodeInline(window)).toString(), "data")
      // The reference checks single fields. Here every field is compared: the store adds only the state's size.
      assert.deepStrictEqual(loaded, { ...manifest, stateSize: 0 })
    },
  },

  {
    name: "test_save_with_state_writes_sidecar_before_manifest: no manifest is ever there before its state",
    async run({ open, raw, keys }) {
      let written = 0
      const store = await open({
        retain: { last: 3 },
        through: (backend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              if (call === "put" && key === keys.manifest(1)) {
                written++
                assert.notEqual(await raw.head(keys.state(1)), undefined, "the manifest is written before its state")
              }
              const result = await proceed()
              // A commit appears at once, and its bodies are read in order.
              if (call === "commit" && result !== "unsupported") {
                written++
                assert.equal(key, keys.state(1))
              }
              return result
            },
          }),
      })
      await store.save(manifestOf(1, 1), { state: textBytes("large-operator-state-blob") })
      assert.equal(written, 1)
      assert.equal((await store.loadLatest())?.checkpointId, 1)
      assert.equal(await stateText(store, 1), "large-operator-state-blob")
    },
  },

  {
    name: "test_save_with_state_none_is_same_as_save: a save without a state writes none",
    async run({ open, peek, keys }) {
      const store = await open({ retain: { last: 3 } })
      await store.save(manifestOf(1, 1), {})
      assert.equal((await store.loadLatest())?.checkpointId, 1)
      assert.equal(await store.readState(1), undefined)
      assert.equal(await peek(keys.state(1)), undefined)
    },
  },

  {
    name: "test_orphaned_state_without_manifest_is_ignored: a lone state is no checkpoint; here its id is not given out again",
    async run({ open }) {
      const store = await open({ retain: { last: 3 } })
      await store.writeState(1, textBytes("orphaned"))
      assert.equal(await store.loadLatest(), undefined)
      assert.deepEqual(await idsAndEpochs(store), [])
      // The reference's filesystem store counts the directory as an id, and has no nextId at all.
      assert.deepEqual(await store.ids(), [])
      assert.equal(await store.nextId(), 2)
      assert.equal((await store.recover()).outcome, "fresh")
    },
  },

  {
    name: "test_save_with_state_writes_checksum: the manifest has the SHA-256 of the state, and its size",
    async run({ open }) {
      const store = await open({ retain: { last: 10 } })
      const state = textBytes("state-data-for-checksum")
      const receipt = await store.save(manifestOf(1, 1), { state })
      const expected = createHash("sha256").update(state).digest("hex")
      const latest = await store.loadLatest()
      assert.equal(latest?.stateChecksum, expected)
      assert.equal(latest?.stateSize, state.length)
      assert.equal(receipt.stateChecksum, expected)
    },
  },

  {
    name: "test_state_checksum_backward_compat: a manifest of the four required fields is read, with the defaults",
    async run({ open, plant, keys }) {
      await plant(
        keys.manifest(1),
        `{
            "version": 1,
            "checkpoint_id": 1,
            "epoch": 1,
            "timestamp_ms": 1000
        }`,
      )
      const store = await open()
      const manifest = await store.load(1)
      assert.equal(manifest?.stateChecksum, null)
      assert.equal(manifest?.vnodeCount, 0)
      assert.equal((await store.verify(1)).valid, true)
    },
  },
]
