import assert from "node:assert/strict"
import type { CheckpointStore } from "@ckpt/core"
import { heldCall, recorder, withCommit } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import {
  assertRecovers,
  bytes,
  historyAtRest,
  isProbe,
  listAll,
  manifestOf,
  readAll,
  refusal,
  saveAll,
  stateText,
  text,
} from "../support.js"

/** Asserts that no reader shows the checkpoint and no writer changes it. */
async function assertInvisible(store: CheckpointStore, id: number): Promise<void> {
  assert.equal(await store.load(id), undefined)
  assert.ok(!(await store.ids()).includes(id))
  assert.ok(!(await listAll(store)).some((summary) => summary.id === id))
  assert.equal((await store.verify(id)).valid, false)
  await refusal(
    store.update(id, (current) => current),
    "CKPT_NOT_FOUND",
    id,
  )
}

/** Every way to read checkpoint 3, the latest one, with the epochs that it shows. */
const readers: readonly [name: string, read: (store: CheckpointStore) => Promise<readonly (number | undefined)[]>][] = [
  ["load", async (store) => [(await store.load(3))?.epoch]],
  ["loadLatest", async (store) => [(await store.loadLatest())?.epoch]],
  ["list", async (store) => (await listAll(store)).map(({ epoch }) => epoch)],
  ["recover", async (store) => [(await store.recover()).checkpoint?.manifest.epoch]],
  ["restore", async (store) => [(await store.restore(async ({ manifest }) => manifest.epoch)).value]],
  // A state without a manifest that counts is read without a checksum.
  ["readState", async (store) => [(await store.readState(3))?.checksum === undefined ? undefined : 1_000]],
  ["verify", async (store) => [(await store.verify(3)).valid ? 1_000 : undefined]],
]

/** The floor keeps pruned checkpoints from coming back. */
export const floorScenarios: readonly Scenario[] = [
  {
    name: "floor: prune raises the floor before its first delete",
    async run(context) {
      const { open, keys } = context
      await saveAll(await open(), 1, 2, 3, 4)
      const { calls, through } = recorder()
      const store = await open({ through })
      await store.prune({ last: 2 })
      const isOfProbe = ({ key = "", keys: deleted = [] }: (typeof calls)[number]) => [key, ...deleted].some(isProbe)
      const changes = calls.filter((one) => (one.call === "put" || one.call === "delete") && !isOfProbe(one))
      assert.deepEqual([changes[0]?.call, changes[0]?.key], ["put", keys.history])
      assert.equal(changes[0]?.when, "absent")
      const { floor, kept, top } = await historyAtRest(context)
      assert.deepEqual([floor, kept, top], [2, "", 4])
    },
  },
  {
    name: "floor: a late save of a pruned id is CKPT_CONFLICT and is never seen",
    async run({ open, allKeys, keys }) {
      const late = await open()
      const store = await open()
      await saveAll(store, 1, 2, 3)
      assert.deepEqual(await late.ids(), [1, 2, 3])
      await store.prune({ last: 1 })
      for (const [id, through] of [
        [1, undefined],
        [2, withCommit],
      ] as const) {
        const writer = through === undefined ? late : await open({ through })
        await refusal(writer.save(manifestOf(id), { state: bytes("late") }), "CKPT_CONFLICT", id)
        // A store that does not know of the prune writes its manifest, since the key is free again.
        assert.equal((await allKeys()).includes(keys.manifest(id)), writer === late)
        for (const reader of [writer, store, await open()]) await assertInvisible(reader, id)
      }
      await assertRecovers(await open(), 3)
      assert.equal(await store.nextId(), 4)
      await saveAll(store, 4)
      await store.prune({ last: 1 })
      assert.deepEqual(await allKeys(), [keys.manifest(4), keys.state(4), keys.pointer, keys.history].sort())
    },
  },
  ...readers.map(
    ([name, read]): Scenario => ({
      name: `floor: ${name} that stood still during the prune does not see a late save of a pruned id`,
      async run({ allKeys, open, keys, settled }) {
        const store = await open()
        await saveAll(store, 1, 2, 3)
        // It knows the history of before the prune. A store that knows none reads it first, and writes nothing.
        const slow = await open()
        await slow.ids()
        const held = heldCall(({ call, key }) => call === "get" && key === keys.manifest(3))
        const reading = read(await open({ through: held.through }))
        await held.reached
        // By now the reader has read everything but the manifest.
        await settled()
        await saveAll(store, 4, 5)
        await store.prune({ last: 1 })
        // The same state as before: no checksum tells the two checkpoints apart.
        const late = manifestOf(3, { epoch: 1_000 })
        await refusal(slow.save(late, { state: bytes(stateText(3)) }), "CKPT_CONFLICT", 3)
        assert.ok((await allKeys()).includes(keys.manifest(3)))
        held.release()
        assert.ok(!(await reading).includes(1_000))
      },
    }),
  ),
  {
    name: "floor: a store that read the history before the prune sees the raised floor",
    async run({ open }) {
      const late = await open()
      await saveAll(late, 4, 10)
      assert.deepEqual((await (await open()).prune({ last: 1 })).removed, [4])
      await refusal(late.save(manifestOf(3), { state: bytes("late") }), "CKPT_CONFLICT", 3)
      await assertInvisible(late, 3)
    },
  },
  {
    name: "floor: a pruned checkpoint that comes back is not recovered, even if nothing else verifies",
    async run({ open, plant, peek, keys }) {
      const store = await open()
      await saveAll(store, 1, 2)
      const [manifest, state] = [await peek(keys.manifest(1)), await peek(keys.state(1))]
      await store.prune({ last: 1 })
      await plant(keys.manifest(1), manifest as Uint8Array)
      await plant(keys.state(1), state as Uint8Array)
      await assertInvisible(await open(), 1)
      await plant(keys.manifest(2), "damaged")
      assert.equal((await (await open()).recover()).outcome, "exhausted")
    },
  },
  {
    name: "floor: checkpoints that a policy keeps stay readable below the floor",
    async run({ open, plant, keys }) {
      const store = await open()
      await saveAll(store, 1, 2, 3, 4, 5, 6, 7)
      await store.prune({ last: 1, every: 3 })
      const reader = await open()
      assert.deepEqual(await reader.ids(), [3, 6, 7])
      for (const id of [3, 6, 7]) {
        assert.deepEqual(await reader.verify(id), { id, valid: true, issues: [] })
        assert.equal((await reader.load(id))?.epoch, id)
        assert.equal(await readAll(await reader.readState(id)), stateText(id))
      }
      await store.update(3, (current) => ({ ...current, epoch: 33 }))
      assert.equal((await reader.load(3))?.epoch, 33)
      await plant(keys.manifest(7), "damaged")
      await plant(keys.manifest(6), "damaged")
      await assertRecovers(await open(), 3)
    },
  },
  {
    name: "floor: a pruned id between kept ids does not come back, nor does a kept id that is pruned later",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1, 2, 3, 4, 5, 6, 7)
      await store.prune({ last: 1, every: 3 })
      await refusal((await open()).save(manifestOf(4)), "CKPT_CONFLICT", 4)
      await store.prune({ last: 2 })
      assert.deepEqual(await store.ids(), [6, 7])
      await refusal((await open()).save(manifestOf(3)), "CKPT_CONFLICT", 3)
      await assertInvisible(await open(), 3)
      await saveAll(store, 8)
      await store.prune({ last: 1 })
      for (const id of [5, 6, 7]) await refusal((await open()).save(manifestOf(id)), "CKPT_CONFLICT", id)
      assert.deepEqual(await store.ids(), [8])
    },
  },
  {
    name: "floor: two prunes at once with different policies bring nothing back",
    async run({ open }) {
      const [a, b] = [await open(), await open()]
      await saveAll(a, 1, 2, 3, 4, 5, 6)
      await Promise.all([a.prune({ last: 1, every: 2 }), b.prune({ last: 1, every: 3 })])
      const ids = await a.ids()
      assert.equal(ids.at(-1), 6)
      for (const id of ids) assert.equal((await a.verify(id)).valid, true)
      for (const id of [1, 5]) await refusal((await open()).save(manifestOf(id)), "CKPT_CONFLICT", id)
    },
  },
  {
    name: "floor: save, prune and remove keep unknown fields of the pointer",
    layout: "objects",
    async run({ open, plant, peek, keys }) {
      await saveAll(await open(), 1, 2, 3)
      await plant(keys.pointer, `{"checkpoint_id":3,"team":{"name":"x","ids":[1,18446744073709551615]}}`)
      const store = await open()
      await saveAll(store, 4)
      await store.remove(1)
      await store.prune({ last: 1 })
      const pointer = text(await peek(keys.pointer))
      assert.match(pointer, /18446744073709551615/)
      assert.deepEqual(JSON.parse(pointer).team.name, "x")
      assert.equal(JSON.parse(pointer).history, true)
      assert.match(pointer, /^\{\s*"checkpoint_id": 4/)
    },
  },
  {
    name: "floor: a removed id does not come back, and the checkpoints below it stay",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1, 2, 3, 4)
      await store.remove(3)
      assert.deepEqual(await (await open()).ids(), [1, 2, 4])
      await refusal((await open()).save(manifestOf(3)), "CKPT_CONFLICT", 3)
      await store.remove(1)
      assert.deepEqual(await (await open()).ids(), [2, 4])
      assert.equal((await store.verify(2)).valid, true)
    },
  },
]
