import assert from "node:assert/strict"
import { textOf } from "../../harness/bytes.js"
import type { Scenario } from "../../harness/scenario.js"
import { refusal } from "../support.js"
import { manifestOf, stateText, textBytes, twins } from "./support.js"

/** Names at rest, the pointer, and ids that are taken. */
export const referencePlaces: readonly Scenario[] = [
  {
    name: "test_empty_latest_txt: an empty pointer names no latest; here recover says exhausted, not fresh",
    layout: "directory",
    async run({ open, plant, events }) {
      await plant("checkpoints/latest.txt", "")
      const store = await open({ retain: { last: 3 } })
      assert.equal(await store.loadLatest(), undefined)
      assert.ok(events.some((event) => event.type === "pointer-unreadable"))
      assert.equal((await store.recover()).outcome, "exhausted")
      // The reference goes by the pointer alone and would not see this checkpoint.
      await plant("checkpoints/checkpoint_000003/manifest.json", legacyText(3))
      assert.equal((await store.loadLatest())?.checkpointId, 3)
    },
  },

  {
    name: "test_latest_points_to_missing_checkpoint: a dangling pointer names no latest; here a listed checkpoint is found",
    layout: "directory",
    async run({ open, plant }) {
      await plant("checkpoints/latest.txt", "checkpoint_000099")
      const store = await open({ retain: { last: 3 } })
      // The reference answers `None`, which reads as a fresh start.
      await refusal(store.loadLatest(), "CKPT_CORRUPT")
      assert.equal((await store.recover()).outcome, "exhausted")
      // An id that the pointer ever named is not given out again.
      assert.equal(await store.nextId(), 100)
      // The reference finds no checkpoint as long as the pointer dangles.
      await plant("checkpoints/checkpoint_000003/manifest.json", legacyText(3))
      assert.equal((await store.loadLatest())?.checkpointId, 3)
    },
  },

  {
    name: "test_obj_with_prefix: everything lies under the prefix, with or without its last slash",
    async run({ open, allKeys }) {
      const store = await open({ retain: { last: 10 }, prefix: "nodes/abc123/" })
      await store.save(manifestOf(1, 42))
      const latest = await store.loadLatest()
      assert.equal(latest?.checkpointId, 1)
      assert.equal(latest?.epoch, 42)
      for (const key of await allKeys()) assert.match(key, /^nodes\/abc123\//)
      // Without the slash the reference writes "nodes/abc123manifests/…".
      const same = await open({ prefix: "nodes/abc123" })
      assert.equal((await same.loadLatest())?.epoch, 42)
      const other = await open()
      assert.equal(await other.loadLatest(), undefined)
    },
  },

  {
    name: "test_obj_layout_paths: manifest and pointer have the reference's names, and nothing else is left",
    layout: "objects",
    async run({ open, allKeys }) {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(1, 10))
      assert.deepEqual(await allKeys(), ["manifests/latest.json", "manifests/manifest-000001.json"])
    },
  },

  {
    name: "test_obj_state_paths: the state has the reference's name",
    layout: "objects",
    async run({ open, peek }) {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(1, 1))
      await store.writeState(1, textBytes("state-blob"))
      assert.deepEqual(await peek("checkpoints/state-000001.bin"), textBytes("state-blob"))
    },
  },

  {
    name: "test_obj_latest_json_format: the pointer is an object with checkpoint_id first; here it may have further fields",
    layout: "objects",
    async run({ open, peek }) {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(5, 50))
      const pointer: unknown = JSON.parse(textOf(await peek("manifests/latest.json")))
      assert.ok(typeof pointer === "object" && pointer !== null && "checkpoint_id" in pointer)
      assert.equal(pointer.checkpoint_id, 5)
      assert.equal(Object.keys(pointer)[0], "checkpoint_id")
    },
  },

  {
    name: "test_obj_latest_monotonic_guard_skips_regression: a late save of a lower id leaves the pointer alone",
    async run({ open, events, peek, keys, layout }) {
      const store = await open({ retain: { last: 10 } })
      await store.save(manifestOf(10, 10))
      // A delayed writer with a store of its own, as a paused leader would be.
      const delayed = await open({ retain: { last: 10 } })
      const receipt = await delayed.save(manifestOf(5, 5))
      assert.equal((await store.loadLatest())?.checkpointId, 10)
      // The reference's filesystem store moves its pointer back. Here the receipt says that the save is not the latest.
      const pointer = textOf(await peek(keys.pointer))
      assert.match(pointer, layout === "directory" ? /^checkpoint_000010$/ : /^\{\s*"checkpoint_id": ?10\b/)
      assert.equal(receipt.isLatest, false)
      assert.ok(events.some((event) => event.type === "pointer-superseded" && event.id === 5 && event.current === 10))
      assert.equal((await store.load(5))?.epoch, 5)
    },
  },

  {
    name: "test_obj_conditional_put_idempotent: a repeated save says existed; here other content is CKPT_CONFLICT",
    async run({ open }) {
      const store = await open({ retain: { last: 10 } })
      const manifest = manifestOf(1, 10)
      assert.equal((await store.save(manifest)).outcome, "created")
      assert.equal((await store.save(manifest)).outcome, "existed")
      const latest = await store.loadLatest()
      assert.equal(latest?.checkpointId, 1)
      assert.equal(latest?.epoch, 10)
      // The reference logs and returns Ok, and has replaced the winner's state; its filesystem store the manifest too.
      const loser = store.save(manifestOf(1, 11), { state: textBytes("the loser's") })
      await assert.rejects(loser, { code: "CKPT_CONFLICT" })
      assert.equal((await store.load(1))?.epoch, 10)
      assert.equal((await store.recover()).checkpoint?.id, 1)
    },
  },

  {
    name: "test_obj_save_still_uses_conditional_put: a save never changes an existing manifest; here only update does",
    async run({ open }) {
      const store = await open({ retain: { last: 3 } })
      const manifest = manifestOf(1, 10)
      await store.save(manifest)
      assert.equal((await store.save(manifest)).outcome, "existed")
      // The reference drops this without an error.
      await assert.rejects(store.save({ ...manifest, watermark: 41n }), { code: "CKPT_CONFLICT" })
      assert.equal((await store.load(1))?.watermark, null)
      await store.update(1, (current) => ({ ...current, watermark: 42n }))
      assert.equal((await store.load(1))?.watermark, 42n)
    },
  },

  ...twins(
    "test_fs_update_manifest_overwrites",
    "test_obj_update_manifest_overwrites",
    "update records a sink's commit; here checksum and pointer stay, and the id must exist",
    async ({ open, peek, keys }) => {
      const store = await open({ retain: { last: 3 } })
      const manifest = manifestOf(1, 10, { sinkCommitStatuses: { "pg-sink": { status: "pending" } } })
      await store.save(manifest, { state: textBytes("state") })
      assert.deepEqual((await store.load(1))?.sinkCommitStatuses["pg-sink"], { status: "pending" })

      await store.save(manifestOf(2, 20))
      const pointer = await peek(keys.pointer)
      // The caller's own copy names no state. The reference writes it as it is and so loses the checksum.
      const committed = { ...manifest, sinkCommitStatuses: { "pg-sink": { status: "committed" } } } as const
      await store.update(1, () => committed)
      const updated = await store.load(1)
      assert.deepEqual(updated?.sinkCommitStatuses["pg-sink"], { status: "committed" })
      assert.notEqual(updated?.stateChecksum, null)
      assert.equal(await stateText(store, 1), "state")
      assert.deepEqual(await store.verify(1), { id: 1, valid: true, issues: [] })
      // The reference's filesystem store points its latest at whatever was updated last.
      assert.deepEqual(await peek(keys.pointer), pointer)
      // The reference creates an absent manifest, and so brings a pruned checkpoint back.
      await assert.rejects(
        store.update(9, (current) => current),
        { code: "CKPT_NOT_FOUND" },
      )
      assert.equal(await peek(keys.manifest(9)), undefined)
    },
  ),
]

function legacyText(id: number): string {
  return `{ "version": 1, "checkpoint_id": ${id}, "epoch": 1, "timestamp_ms": 1000 }`
}
