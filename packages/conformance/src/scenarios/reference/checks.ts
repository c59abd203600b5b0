import assert from "node:assert/strict"
import type { Scenario } from "../../harness/scenario.js"
import { manifestOf, stateText, textBytes, twins } from "./support.js"

/** Verification and recovery. */
export const referenceChecks: readonly Scenario[] = [
  ...twins(
    "test_validate_checkpoint_valid",
    "test_obj_validate_checkpoint_valid",
    "a saved checkpoint verifies without an issue",
    async ({ open }) => {
      const store = await open({ retain: { last: 3 } })
      await store.save(manifestOf(1, 1))
      assert.deepEqual(await store.verify(1), { id: 1, valid: true, issues: [] })
    },
  ),

  {
    name: "test_validate_checkpoint_epoch_zero_invalid: epoch 0 is invalid when read, and here it is not even saved",
    async run({ open, plant, peek, keys }) {
      const store = await open({ retain: { last: 3 } })
      // The reference saves it, moves the pointer to it, and fails when it recovers.
      await assert.rejects(store.save({ ...manifestOf(1, 1), epoch: 0 }), { code: "CKPT_INVALID" })
      assert.equal(await peek(keys.manifest(1)), undefined)
      await plant(keys.manifest(1), `{ "version": 1, "checkpoint_id": 1, "epoch": 0, "timestamp_ms": 1000 }`)
      const { valid, issues } = await store.verify(1)
      assert.equal(valid, false)
      assert.ok(issues.some(({ severity, message }) => severity === "fatal" && message.includes("epoch")))
    },
  },

  ...twins(
    "test_validate_checkpoint_missing_manifest",
    "test_obj_validate_checkpoint_missing",
    "verify of an unknown id is invalid, not an error",
    async ({ open }) => {
      const store = await open({ retain: { last: 3 } })
      const { valid, issues } = await store.verify(99)
      assert.equal(valid, false)
      assert.match(issues[0]?.message ?? "", /not found/)
    },
  ),

  {
    name: "test_validate_checkpoint_corrupt_manifest: a garbled manifest is invalid, not an error",
    async run({ open, plant, keys }) {
      await plant(keys.manifest(1), "not valid json")
      const store = await open({ retain: { last: 10 } })
      const { valid, issues } = await store.verify(1)
      assert.equal(valid, false)
      assert.match(issues[0]?.message ?? "", /corrupt manifest/)
      // Bytes that are not UTF-8 are the same finding. On them the reference's filesystem store rejects, and so does
      // recovery.
      await plant(keys.manifest(1), Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d))
      const notText = await store.verify(1)
      assert.equal(notText.valid, false)
      assert.match(notText.issues[0]?.message ?? "", /corrupt manifest/)
    },
  },

  ...twins(
    "test_validate_checkpoint_state_checksum_ok",
    "test_obj_validate_state_checksum",
    "a state with its checksum verifies, shallow and deep",
    async ({ open }) => {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(1, 1), { state: textBytes("important operator state") })
      assert.deepEqual(await store.verify(1), { id: 1, valid: true, issues: [] })
      assert.deepEqual(await store.verify(1, { depth: "shallow" }), { id: 1, valid: true, issues: [] })
    },
  ),

  {
    name: "test_validate_checkpoint_state_checksum_mismatch: other bytes are fatal; here another size is an issue of its own",
    async run({ open, plant, keys }) {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(1, 1), { state: textBytes("original state") })
      await plant(keys.state(1), "corrupted data")
      const changed = await store.verify(1)
      assert.equal(changed.valid, false)
      assert.ok(changed.issues.some((issue) => issue.message.includes("checksum mismatch")))
      // The reference's own test has two bytes more. Without sizes, it finds them by the checksum.
      await plant(keys.state(1), "corrupted data!!")
      const grown = await store.verify(1)
      assert.equal(grown.valid, false)
      assert.deepEqual(
        grown.issues.map((issue) => issue.code),
        ["state-size"],
      )
      assert.equal((await store.verify(1, { depth: "shallow" })).valid, false)
    },
  },

  {
    name: "test_validate_checkpoint_state_missing_when_expected: a missing state is fatal",
    async run({ open, raw, keys }) {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(1, 1), { state: textBytes("state") })
      assert.deepEqual(await raw.delete([keys.state(1)]), [])
      const { valid, issues } = await store.verify(1)
      assert.equal(valid, false)
      assert.ok(issues.some(({ code, message }) => code === "state-missing" && message.includes("not found")))
    },
  },

  {
    name: "test_recover_latest_validated_skips_corrupt: recover skips the corrupt latest one; here it gives the checkpoint itself",
    async run({ open, plant, keys }) {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(1, 10), { state: textBytes("of the first") })
      await store.save(manifestOf(2, 20))
      await plant(keys.manifest(2), "<<<corrupt>>>")
      const found = await store.recover()
      assert.equal(found.outcome, "recovered")
      assert.equal(found.checkpoint?.id, 1)
      assert.deepEqual(
        found.skipped.map(({ id, key }) => ({ id, key })),
        [{ id: 2, key: keys.manifest(2) }],
      )
      assert.equal(found.examined, 2)
      // The reference gives an id only, and its `list` no longer shows the damaged one.
      assert.equal(found.checkpoint?.manifest.epoch, 10)
      const state = await found.checkpoint?.state()
      assert.deepEqual(await state?.bytes(), textBytes("of the first"))
      assert.equal(found.nextId, 3)
      const shown: [number, boolean][] = []
      for await (const { id, valid } of store.list()) shown.push([id, valid])
      assert.deepEqual(shown, [
        [1, true],
        [2, false],
      ])
      await assert.rejects(store.loadLatest(), { code: "CKPT_CORRUPT" })
    },
  },

  {
    name: "test_recover_latest_validated_fresh_start: an empty store is fresh",
    async run({ open }) {
      const store = await open({ retain: { last: 3 } })
      const found = await store.recover()
      assert.equal(found.outcome, "fresh")
      assert.equal(found.checkpoint, undefined)
      assert.equal(found.examined, 0)
      assert.deepEqual(found.skipped, [])
      assert.equal(found.nextId, 1)
    },
  },

  {
    name: "test_recover_latest_validated_all_corrupt_is_fresh_start: here a store in which all is corrupt is exhausted, not fresh",
    async run({ open, plant, keys }) {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(1, 1))
      await plant(keys.manifest(1), "corrupt")
      const found = await store.recover()
      assert.equal(found.checkpoint, undefined)
      // The reference answers as for an empty store, and a job would start over from nothing.
      assert.equal(found.outcome, "exhausted")
      assert.deepEqual(
        found.skipped.map((skipped) => skipped.id),
        [1],
      )
      assert.equal(found.nextId, 2)
    },
  },

  {
    name: "test_obj_recover_latest_validated: recover gives the latest valid one; here examined counts only what was read",
    async run({ open }) {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(1, 10))
      await store.save(manifestOf(2, 20), { state: textBytes("of the second") })
      const found = await store.recover()
      assert.equal(found.checkpoint?.id, 2)
      assert.deepEqual(found.skipped, [])
      // The reference says 2.
      assert.equal(found.examined, 1)
      assert.equal(await stateText(store, 2), "of the second")
    },
  },
]
