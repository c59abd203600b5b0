import assert from "node:assert/strict"
import type { Scenario } from "../../harness/scenario.js"
import { assertRecovers, listedIds, manifestOf, pointerTo, refusal, saveAll, text } from "../support.js"

export const idScenarios: readonly Scenario[] = [
  {
    name: "ids: 1,000,000 comes after 999,999 everywhere",
    async run({ open, keys, peek, allKeys }) {
      const store = await open()
      const ids = [999_998, 999_999, 1_000_000, 1_000_001]
      await saveAll(store, 1_000_000, 999_999, 1_000_001, 999_998)
      assert.deepEqual(await store.ids(), ids)
      assert.deepEqual(await listedIds(store), ids)
      assert.equal((await store.loadLatest())?.checkpointId, 1_000_001)
      assert.match(text(await peek(keys.pointer)), /1000001/)
      await assertRecovers(store, 1_000_001)
      assert.equal(await store.nextId(), 1_000_002)
      assert.deepEqual((await store.prune({ last: 2 })).removed, [999_998, 999_999])
      assert.deepEqual(await store.ids(), [1_000_000, 1_000_001])
      assert.ok((await allKeys()).includes(keys.manifest(1_000_000)))
    },
  },
  {
    name: "ids: nextId is above every manifest, state and directory and above the pointer",
    async run({ open, keys, plant, layout }) {
      const store = await open()
      assert.equal(await store.nextId(), 1)
      await plant(keys.state(3), "an orphan")
      assert.equal(await store.nextId(), 4)
      await plant(keys.manifest(5), "damaged")
      assert.equal(await store.nextId(), 6)
      await plant(keys.pointer, pointerTo(layout, 7))
      assert.equal(await store.nextId(), 8)
      if (layout === "directory") {
        await plant("checkpoints/checkpoint_000009/x", "in the way")
        assert.equal(await store.nextId(), 10)
        await plant("checkpoints/checkpoint_000011", "a file where a directory belongs")
        assert.equal(await store.nextId(), 12)
      }
      assert.equal((await store.recover()).nextId, await store.nextId())
      await saveAll(store, await store.nextId())
      assert.equal((await store.recover()).outcome, "recovered")
    },
  },
  {
    name: "ids: nextId never gives the id of the pointer again, even if its checkpoint is gone",
    async run({ open, raw, keys }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await store.prune({ last: 1 })
      assert.equal(await store.nextId(), 4)
      await raw.delete([keys.manifest(3), keys.state(3)])
      assert.equal(await (await open()).nextId(), 4)
    },
  },
  {
    name: "ids: an id more than 2^32 above the pointer is ignored by nextId",
    async run({ open, keys, plant, events }) {
      const store = await open()
      await saveAll(store, 1)
      const far = 2 ** 32 + 1
      await plant(keys.state(far), "the last one that is believed")
      assert.equal(await store.nextId(), far + 1)
      await plant(keys.state(far + 10), "one too many")
      await plant(keys.manifest(Number.MAX_SAFE_INTEGER), "a stray file")
      assert.equal(await store.nextId(), far + 1)
      const ignored = events.flatMap((event) => (event.type === "id-ignored" ? [event.id] : []))
      assert.ok(ignored.includes(far + 10) && ignored.includes(Number.MAX_SAFE_INTEGER))
      const found = await assertRecovers(store, 1)
      assert.equal(found.nextId, far + 1)
      await saveAll(store, found.nextId)
      await assertRecovers(store, found.nextId)
    },
  },
  {
    name: "ids: a name with an id beyond 2^53 is skipped by its key and ignored by nextId",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1)
      const name = keys.manifest(1).replace("000001", "18446744073709551615")
      await plant(name, "from another world")
      const found = await assertRecovers(store, 1)
      assert.deepEqual(
        found.skipped.map(({ id, key, issues }) => [id, key, issues[0]?.code]),
        [[undefined, name, "number-unsafe"]],
      )
      assert.deepEqual([found.nextId, await store.nextId(), await store.ids()], [2, 2, [1]])
      const error = await refusal(store.loadLatest(), "CKPT_CORRUPT")
      assert.match(error.message, /recover\(\)/)
    },
  },
  {
    name: "ids: 2^53 - 1 can be saved, and then nextId is CKPT_INVALID",
    async run({ open }) {
      const store = await open()
      const last = Number.MAX_SAFE_INTEGER
      await store.save(manifestOf(last, { epoch: 1 }))
      assert.equal((await store.loadLatest())?.checkpointId, last)
      assert.deepEqual(await store.ids(), [last])
      await refusal(store.nextId(), "CKPT_INVALID")
      const found = await store.recover()
      assert.deepEqual([found.checkpoint?.id, found.nextId], [last, last])
      await refusal(store.save(manifestOf(found.nextId, { epoch: 2 })), "CKPT_CONFLICT")
    },
  },
]
