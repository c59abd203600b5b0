import assert from "node:assert/strict"
import { calls } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { later } from "../retention/clocks.js"
import { assertBytes, assertRecovers, bytes, dies, isProbe, manifestOf, saveAll, stateText } from "../support.js"

/** A plain writer that dies after one step: what is there, what readers see, and what mends it. */
export const crashStepScenarios: readonly Scenario[] = [
  {
    name: "crash after the state: no checkpoint is there, and its id is not given out again",
    async run(context) {
      const store = await context.open()
      await saveAll(store, 1)
      await dies(context, "after", calls("put", context.keys.state(2)), (dying) => saveAll(dying, 2))
      assert.equal((await assertRecovers(store, 1)).nextId, 3)
      assert.equal(await store.load(2), undefined)
      // It is not below the latest checkpoint: its save may still be under way.
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [])
      await saveAll(store, 3)
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [context.keys.state(2)])
      await assertRecovers(await context.open(), 3)
    },
  },
  {
    name: "crash after the state: the same save takes the state over",
    async run(context) {
      const manifest = manifestOf(1)
      const state = bytes(stateText(1))
      await dies(context, "after", calls("put", context.keys.state(1)), (dying) => dying.save(manifest, { state }))
      const receipt = await (await context.open()).save(manifest, { state })
      assert.deepEqual([receipt.outcome, receipt.isLatest], ["created", true])
      await assertRecovers(await context.open(), 1)
    },
  },
  {
    name: "crash after the manifest: the checkpoint counts, and the next save moves the pointer past it",
    async run(context) {
      const store = await context.open()
      await saveAll(store, 1)
      const pointer = await context.peek(context.keys.pointer)
      await dies(context, "after", calls("put", context.keys.manifest(2)), (dying) => saveAll(dying, 2))
      assertBytes(await context.peek(context.keys.pointer), pointer as Uint8Array, "the pointer")
      assert.equal((await assertRecovers(await context.open(), 2)).nextId, 3)
      assert.equal((await (await context.open()).loadLatest())?.checkpointId, 2)
      const receipt = await store.save(manifestOf(3), { state: bytes(stateText(3)) })
      assert.equal(receipt.isLatest, true)
      await assertRecovers(await context.open(), 3)
    },
  },
  {
    name: "crash after the pointer: the checkpoint is the latest, and the same save again is existed",
    async run(context) {
      const manifest = manifestOf(1)
      const state = bytes(stateText(1))
      await dies(context, "after", calls("put", context.keys.pointer), (dying) => dying.save(manifest, { state }))
      await assertRecovers(await context.open(), 1)
      const receipt = await (await context.open()).save(manifest, { state })
      assert.deepEqual([receipt.outcome, receipt.isLatest], ["existed", true])
    },
  },
  {
    name: "crash after the swap of an update: the change is there, once, and the pointer is as it was",
    async run(context) {
      await saveAll(await context.open(), 1, 2)
      const pointer = await context.peek(context.keys.pointer)
      await dies(context, "after", calls("put", context.keys.manifest(1)), (dying) =>
        dying.update(1, (current) => ({ ...current, epoch: current.epoch + 10 })),
      )
      const reader = await context.open()
      assert.equal((await reader.load(1))?.epoch, 11)
      assert.deepEqual(await reader.verify(1), { id: 1, valid: true, issues: [] })
      assertBytes(await context.peek(context.keys.pointer), pointer as Uint8Array, "the pointer")
    },
  },
  {
    name: "crash in the check before the first write: the store is fresh, and collectOrphans removes the probe",
    async run(context) {
      const { allKeys, open } = context
      await dies(
        context,
        "after",
        ({ call, key }) => call === "put" && isProbe(key),
        (dying) => saveAll(dying, 1),
      )
      const left = await allKeys()
      assert.deepEqual([left.length, left.every(isProbe)], [1, true])
      const store = await open()
      const found = await store.recover()
      assert.deepEqual([found.outcome, found.nextId], ["fresh", 1])
      assert.deepEqual((await store.collectOrphans({ olderThanMs: 0 })).removed, [])
      const muchLater = await open({ through: later(3_700_000) })
      assert.deepEqual((await muchLater.collectOrphans({ olderThanMs: 0 })).removed, left)
      assert.deepEqual(await allKeys(), [])
    },
  },
]
