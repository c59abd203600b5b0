import assert from "node:assert/strict"
import { CheckpointError, type CheckpointStore } from "@ckpt/core"
import type { Scenario } from "../../harness/scenario.js"
import {
  assertRecovers,
  bytes,
  listAll,
  manifestOf,
  nth,
  range,
  readAll,
  saveAll,
  stateText,
  text,
} from "../support.js"

/** An unnatural order that is the same in every run. */
function shuffled(ids: number[]): number[] {
  return ids
    .map((id) => ({ id, at: (id * 2_654_435_761) % 4_294_967_296 }))
    .sort((a, b) => a.at - b.at)
    .map(({ id }) => id)
}

export const raceScenarios: readonly Scenario[] = [
  {
    name: "race: exactly one of four writers of one id with different states wins",
    async run({ open, keys, peek }) {
      const stores = await Promise.all(range(0, 3).map(() => open()))
      for (const id of range(1, 8)) {
        const manifests = stores.map((_, writer) => manifestOf(id, { epoch: writer + 1 }))
        const outcomes = await Promise.allSettled(
          stores.map((store, writer) => store.save(nth(manifests, writer), { state: bytes(`of writer ${writer}`) })),
        )
        const winners = outcomes.flatMap(({ status }, writer) => (status === "fulfilled" ? [writer] : []))
        assert.equal(winners.length, 1)
        for (const outcome of outcomes) {
          if (outcome.status === "rejected") assert.equal(outcome.reason.code, "CKPT_CONFLICT", String(outcome.reason))
        }
        assert.equal((await nth(stores, 0).load(id))?.epoch, nth(winners, 0) + 1)
        assert.equal(text(await peek(keys.state(id))), `of writer ${winners[0]}`)
        assert.equal((await nth(stores, 3).verify(id)).valid, true)
      }
      assert.deepEqual(await nth(stores, 0).ids(), range(1, 8))
    },
  },
  {
    name: "race: a late save of a lower id leaves newer checkpoints and the pointer alone",
    async run({ open, keys, peek }) {
      const store = await open()
      await saveAll(store, 10, 11)
      const before = await peek(keys.pointer)
      await saveAll(await open(), 5)
      assert.deepEqual(await peek(keys.pointer), before)
      assert.deepEqual(await store.ids(), [5, 10, 11])
      await assertRecovers(store, 11)
    },
  },
  {
    name: "race: retention after a late save of a lower id keeps the highest ids",
    async run({ open, keys, peek }) {
      const store = await open({ retain: { last: 2 } })
      await saveAll(store, 10, 11)
      await saveAll(store, 5)
      assert.deepEqual(await store.ids(), [10, 11])
      assert.match(text(await peek(keys.pointer)), /11\b/)
      await assertRecovers(await open(), 11)
    },
  },
  {
    name: 'race: a second save of the same checkpoint is "existed"',
    async run({ open, keys, peek }) {
      const store = await open()
      const manifest = manifestOf(1)
      const save = (where: CheckpointStore) => where.save(manifest, { state: bytes("s") })
      const first = await save(store)
      const before = await peek(keys.manifest(1))
      const again = await save(store)
      const elsewhere = await save(await open())
      assert.deepEqual([first.outcome, again.outcome, elsewhere.outcome], ["created", "existed", "existed"])
      assert.deepEqual({ ...again, outcome: "created" }, first)
      assert.deepEqual(await peek(keys.manifest(1)), before)
      const without = manifestOf(2)
      assert.equal((await store.save(without)).outcome, "created")
      assert.equal((await store.save(without)).outcome, "existed")
    },
  },
  {
    name: "race: three stores that save the same checkpoint at once all succeed",
    async run({ open }) {
      const stores = [await open(), await open(), await open()]
      for (const id of range(1, 5)) {
        const manifest = manifestOf(id)
        const receipts = await Promise.all(stores.map((store) => store.save(manifest, { state: bytes(stateText(id)) })))
        assert.ok(receipts.some(({ outcome }) => outcome === "created"))
        for (const receipt of receipts) assert.equal(receipt.stateChecksum, receipts[0]?.stateChecksum)
      }
      await assertRecovers(nth(stores, 0), 5)
    },
  },
  {
    name: "race: 400 saves at once on one store all succeed, and the pointer ends at the highest",
    async run({ open, keys, peek }) {
      const store = await open()
      const ids = range(1, 400)
      const receipts = await Promise.all(
        shuffled(ids).map((id) => store.save(manifestOf(id), { state: bytes(stateText(id)) })),
      )
      assert.ok(receipts.every(({ outcome }) => outcome === "created"))
      assert.match(text(await peek(keys.pointer)), /400\b/)
      assert.deepEqual(await store.ids(), ids)
      const all = await listAll(store)
      assert.ok(all.every(({ valid }) => valid))
      assert.deepEqual(
        all.map(({ id }) => id),
        ids,
      )
      await assertRecovers(await open(), 400)
    },
  },
  {
    name: "race: 60 saves through four stores over one storage all succeed",
    async run({ open, keys, peek }) {
      const stores = await Promise.all(range(0, 3).map(() => open()))
      const ids = range(1, 60)
      await Promise.all(shuffled(ids).map((id) => saveAll(nth(stores, id % 4), id)))
      assert.deepEqual(await nth(stores, 0).ids(), ids)
      assert.match(text(await peek(keys.pointer)), /60\b/)
      for (const store of stores) assert.equal((await store.loadLatest())?.checkpointId, 60)
    },
  },
  {
    name: "race: a writer that loses the id of nextId takes the next one, and every save succeeds",
    async run({ open }) {
      const writers = await Promise.all(range(0, 2).map(() => open()))
      await Promise.all(
        writers.map(async (store, writer) => {
          for (let saved = 0; saved < 6; ) {
            const id = await store.nextId()
            try {
              await store.save(manifestOf(id, { epoch: writer + 1 }), { state: bytes(`${writer}:${id}`) })
              saved++
            } catch (error) {
              assert.equal((error as CheckpointError).code, "CKPT_CONFLICT", String(error))
            }
          }
        }),
      )
      const all = await listAll(nth(writers, 0))
      assert.equal(all.length, 18)
      for (const writer of [1, 2, 3]) assert.equal(all.filter(({ epoch }) => epoch === writer).length, 6)
      for (const { id } of all) assert.equal((await nth(writers, 0).verify(id)).valid, true)
    },
  },
  {
    name: "race: a reader beside a writer that prunes always recovers a whole checkpoint",
    async run({ open }) {
      const writer = await open({ retain: { last: 1 } })
      await saveAll(writer, 1)
      let writing = true
      const write = async () => {
        for (const id of range(2, 25)) await saveAll(writer, id)
        writing = false
      }
      const read = async () => {
        const reader = await open()
        let latest = 0
        while (writing) {
          const found = await reader.recover()
          assert.equal(found.outcome, "recovered")
          assert.deepEqual(found.skipped, [])
          const id = found.checkpoint?.id ?? 0
          assert.ok(id >= latest)
          latest = id
          try {
            assert.equal(await readAll(await found.checkpoint?.state()), stateText(id))
          } catch (error) {
            if (!(error instanceof CheckpointError)) throw error
            assert.equal(error.code, "CKPT_PRUNED", error.message)
          }
          assert.ok(((await reader.loadLatest())?.checkpointId ?? 0) >= latest)
        }
      }
      await Promise.all([write(), read(), read()])
      assert.deepEqual(await writer.ids(), [25])
      await assertRecovers(await open(), 25)
    },
  },
  {
    name: "race: three prunes at once, beside saves, keep what every policy keeps",
    async run({ open }) {
      const stores = [await open(), await open(), await open()]
      await saveAll(nth(stores, 0), ...range(1, 12))
      await Promise.all([
        nth(stores, 0).prune({ last: 3 }),
        nth(stores, 1).prune({ last: 3 }),
        nth(stores, 2).prune({ last: 4 }),
        ...range(13, 16).map((id) => saveAll(nth(stores, id % 3), id)),
      ])
      const ids = await nth(stores, 0).ids()
      // A prune that lost a swap looks again, so it may see every save.
      for (const id of [14, 15, 16]) assert.ok(ids.includes(id), `${id} is gone`)
      for (const id of ids) assert.equal((await nth(stores, 0).verify(id)).valid, true)
      await assertRecovers(await open(), 16)
      const report = await nth(stores, 1).prune({ last: 2 })
      assert.deepEqual(report.failures, [])
      assert.deepEqual(await nth(stores, 2).ids(), [15, 16])
    },
  },
]
