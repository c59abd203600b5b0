import assert from "node:assert/strict"
import { json, type LeaderStore } from "@ckpt/core"
import type { Scenario } from "../../harness/scenario.js"
import { claimsIn } from "../history/claim-support.js"
import { assertRecovers, bytes, nth, range, readAll, refusal, saveAll, stateText } from "../support.js"

/** What programs do besides save and recover. */
export const programScenarios: readonly Scenario[] = [
  {
    name: "programs: open gives a checkpoint by its id and by its pin, and refuses what is not there or does not verify",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await store.pin(1, "before-upgrade")
      assert.equal(await readAll(await (await store.open(2)).state()), stateText(2))
      const savepoint = await store.open({ pin: "before-upgrade" })
      assert.deepEqual([savepoint.id, await readAll(await savepoint.state())], [1, stateText(1)])
      assert.match((await refusal(store.open(9), "CKPT_NOT_FOUND", 9)).message, /The ids are 1, 2 and 3/)
      assert.match((await refusal(store.open({ pin: "upgrade" }), "CKPT_NOT_FOUND")).message, /before-upgrade/)
      await plant(keys.manifest(2), "damaged")
      await refusal(store.open(2), "CKPT_CORRUPT", 2)
    },
  },
  {
    name: "programs: saveNext takes one id for each call; an id that another writer took is refused, and the next one lies above",
    async run({ open }) {
      const store = await open()
      const receipts = await Promise.all(range(1, 8).map((n) => store.saveNext({}, { state: bytes(stateText(n)) })))
      assert.deepEqual(
        receipts.map(({ id }) => id),
        range(1, 8),
      )
      const other = await open()
      assert.deepEqual((await other.saveNext()).id, 9)
      await refusal(store.saveNext({ sourceNames: ["mine"] }), "CKPT_CONFLICT", 9)
      const { id, nextId } = await store.saveNext({}, { state: bytes(stateText(10)) })
      assert.deepEqual([id, nextId, (await store.load(10))?.epoch], [10, 11, 10])
      await assertRecovers(await open(), 10)
    },
  },
  {
    name: "programs: JSON, labels and offsets are read back, and list shows labels, operators and pins",
    async run({ open }) {
      const store = await open()
      const window = { "München 東京": [1, 2.5, null], on: true }
      const labels = { release: "4.2", note: "vor dem Wechsel" }
      const sourceOffsets = { orders: { epoch: 1, offsets: { "0": 7, "1": 2n ** 63n, "2": "0/16B3748" } } }
      await store.saveNext({ labels, sourceOffsets }, { operators: { window: json(window), empty: bytes("") } })
      await store.saveNext({}, { operators: { window: json(window) }, inlineThreshold: 0 })
      await store.saveNext({}, { state: json(window) })
      await store.pin(2, "kept")
      const fresh = await open()
      assert.deepEqual(await (await fresh.open(1)).json("window"), window)
      assert.deepEqual(await (await fresh.open(2)).json("window"), window)
      assert.deepEqual(await (await fresh.open(3)).json(), window)
      const offsets = (await fresh.load(1))?.sourceOffsets["orders"]?.offsets
      assert.deepEqual({ ...offsets }, { "0": "7", "1": "9223372036854775808", "2": "0/16B3748" })
      const list = fresh.list()
      const { length } = json(window)
      for (let round = 1; round <= 2; round++) {
        const all = await list.toArray()
        const shown = all.map(({ id, labels, operators, pins }) => [id, { ...labels }, { ...operators }, pins])
        assert.deepEqual(shown, [
          [1, labels, { empty: 0, window: length }, undefined],
          [2, {}, { window: length }, ["kept"]],
          [3, {}, {}, undefined],
        ])
      }
    },
  },
  {
    name: "programs: a store that is claimed as it is opened is the leader, and closing it closes all of it",
    async run(context) {
      const { open } = context
      if (claimsIn(context) === undefined) {
        await refusal(open({ claim: true } as object), "CKPT_UNSUPPORTED")
        return
      }
      const plain = await open()
      await saveAll(plain, 1)
      const leader = (await open({ claim: true } as object)) as unknown as LeaderStore
      assert.equal(leader.epoch, 1)
      await saveAll(leader, (await leader.recover()).nextId)
      await refusal(plain.saveNext(), "CKPT_FENCED")
      await leader.close()
      await refusal(leader.ids(), "CKPT_CLOSED")
      const next = (await open({ claim: true } as object)) as unknown as LeaderStore
      assert.equal((await assertRecovers(next, 2)).nextId, 3)
      assert.equal(nth(await next.list().toArray(), 1).id, 2)
    },
  },
]
