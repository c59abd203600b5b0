import assert from "node:assert/strict"
import { type CallInfo, calls } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { assertRecovers, bytes, dies, manifestOf, refusal, saveAll } from "../support.js"

/** A process that dies between two steps of a removal. */
export const removalCrashScenarios: readonly Scenario[] = [
  {
    name: "crash after prune raised the floor: what it doomed does not count, and the next prune removes it",
    async run(context) {
      const { allKeys, keys, open } = context
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await dies(context, "after", calls("put", keys.history), (dying) => dying.prune({ last: 1 }))
      for (const id of [1, 2]) assert.ok((await allKeys()).includes(keys.manifest(id)))
      const reader = await open()
      assert.deepEqual(await reader.ids(), [3])
      assert.equal(await reader.load(1), undefined)
      await assertRecovers(reader, 3)
      await refusal((await open()).save(manifestOf(2), { state: bytes("late") }), "CKPT_CONFLICT", 2)
      const { removed, kept, failures } = await store.prune({ last: 1 })
      assert.deepEqual([removed, kept, failures], [[1, 2], [3], []])
      assert.deepEqual(await allKeys(), [keys.manifest(3), keys.state(3), keys.pointer, keys.history].sort())
    },
  },
  {
    name: "crash after prune deleted the manifests: their states are orphans, and collectOrphans removes them",
    async run(context) {
      const { keys, open } = context
      const store = await open()
      await saveAll(store, 1, 2)
      const removesManifest = ({ call, keys: gone = [] }: CallInfo) =>
        call === "delete" && gone.includes(keys.manifest(1))
      await dies(context, "after", removesManifest, (dying) => dying.prune({ last: 1 }))
      const reader = await open()
      assert.deepEqual(await reader.ids(), [2])
      assert.equal((await assertRecovers(reader, 2)).nextId, 3)
      assert.deepEqual((await store.prune({ last: 1 })).removed, [])
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [keys.state(1)])
      await assertRecovers(reader, 2)
    },
  },
  {
    name: "crash after collectOrphans raised the floor: the orphan is still there, and the next collection removes it",
    async run(context) {
      const { allKeys, keys, open, plant } = context
      const store = await open()
      await saveAll(store, 1, 3)
      await plant(keys.state(2), "an orphan")
      const collects = calls("put", keys.history)
      await dies(context, "after", collects, (dying) => dying.collectOrphans({ olderThanMs: 0 }))
      assert.ok((await allKeys()).includes(keys.state(2)))
      // Checkpoint 1 lies below the floor, and is kept.
      assert.deepEqual(await (await open()).ids(), [1, 3])
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [keys.state(2)])
      await assertRecovers(await open(), 3)
    },
  },
]
