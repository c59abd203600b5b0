import assert from "node:assert/strict"
import { createManifest, type ObjectBackend } from "@ckpt/core"
import { intercept, transient } from "../../../harness/faults.js"
import type { Scenario } from "../../../harness/scenario.js"
import { bytes, manifestOf, nth, refusal, saveAll, text } from "../../support.js"

/** Differences from the reference in updates and the pointer. Each scenario fails on the behaviour of the reference. */
export const changingDifferences: readonly Scenario[] = [
  {
    name: "update keeps the checksums and the size of the state, even if the change leaves them out",
    async run({ open }) {
      const store = await open()
      const { stateChecksum, stateSize } = await store.save(manifestOf(1), {
        operators: { window: bytes("large enough") },
        inlineThreshold: 0,
      })
      const before = await store.load(1)
      const updated = await store.update(1, (current) => ({
        ...createManifest({ checkpointId: 1, epoch: current.epoch, operatorStates: current.operatorStates }),
        sinkEpochs: { sink: 7 },
      }))
      const stored = await store.load(1)
      assert.deepEqual(stored, updated)
      assert.equal(stored?.stateChecksum, stateChecksum)
      assert.equal(stored?.stateSize, stateSize)
      assert.deepEqual(stored?.operatorChecksums, before?.operatorChecksums)
      assert.equal(stored?.sinkEpochs["sink"], 7)
      assert.equal((await store.verify(1)).valid, true)
    },
  },
  {
    name: "update of a pruned or unknown id is CKPT_NOT_FOUND and writes nothing",
    async run({ open, allKeys }) {
      const store = await open()
      await saveAll(store, 1, 2)
      await store.prune({ last: 1 })
      const before = await allKeys()
      await refusal(
        store.update(1, (current) => current),
        "CKPT_NOT_FOUND",
        1,
      )
      await refusal(
        (await open()).update(7, (current) => current),
        "CKPT_NOT_FOUND",
        7,
      )
      assert.deepEqual(await allKeys(), before)
      assert.deepEqual(await store.ids(), [2])
    },
  },
  {
    name: "12 updates at once through three stores all take effect",
    async run({ open }) {
      const stores = [await open(), await open(), await open()]
      await saveAll(nth(stores, 0), 1)
      await Promise.all(
        Array.from({ length: 12 }, async (_, sink) =>
          nth(stores, sink % 3).update(1, (current) => ({
            ...current,
            sinkEpochs: { ...current.sinkEpochs, [`sink-${sink}`]: sink },
            epoch: current.epoch + 1,
          })),
        ),
      )
      const stored = await nth(stores, 0).load(1)
      assert.equal(Object.keys(stored?.sinkEpochs ?? {}).length, 12)
      assert.equal(stored?.epoch, 13)
    },
  },
  {
    name: "update of an older checkpoint leaves the pointer alone",
    async run({ open, keys, peek }) {
      const store = await open()
      await saveAll(store, 1, 2)
      const before = await peek(keys.pointer)
      await store.update(1, (current) => ({ ...current, epoch: 5 }))
      assert.deepEqual(await peek(keys.pointer), before)
      assert.equal((await store.loadLatest())?.checkpointId, 2)
    },
  },
  {
    name: "a late save of a lower id leaves the pointer at the higher one and emits pointer-superseded",
    async run({ open, keys, peek, events }) {
      const store = await open()
      await saveAll(store, 10)
      const receipt = await (await open()).save(manifestOf(5))
      assert.deepEqual([receipt.outcome, receipt.isLatest], ["created", false])
      assert.match(text(await peek(keys.pointer)), /10\b/)
      assert.ok(events.some((event) => event.type === "pointer-superseded" && event.id === 5 && event.current === 10))
    },
  },
  {
    name: "a save whose pointer write is overtaken by a higher id leaves the pointer there",
    async run({ open, keys, peek }) {
      const other = await open()
      await saveAll(other, 1)
      let overtaken = false
      const through = (backend: ObjectBackend) =>
        intercept(backend, {
          async around(info, proceed) {
            if (!overtaken && (info.call === "commit" || (info.call === "put" && info.key === keys.pointer))) {
              overtaken = true
              await saveAll(other, 10)
            }
            return proceed()
          },
        })
      const receipt = await (await open({ through })).save(manifestOf(5))
      assert.ok(overtaken)
      assert.deepEqual([receipt.outcome, receipt.isLatest], ["created", false])
      assert.match(text(await peek(keys.pointer)), /10\b/)
    },
  },
  {
    name: "a pointer write that fails after a higher id was saved leaves the pointer there",
    async run({ open, keys, peek }) {
      const other = await open()
      await saveAll(other, 1)
      let tries = 0
      const through = (backend: ObjectBackend) =>
        intercept(backend, {
          async around(info, proceed) {
            if (info.call === "commit" || (info.call === "put" && info.key === keys.pointer)) {
              if (++tries === 1) {
                await saveAll(other, 10)
                throw transient()
              }
            }
            return proceed()
          },
        })
      await (await open({ through })).save(manifestOf(5))
      assert.ok(tries > 0)
      assert.match(text(await peek(keys.pointer)), /10\b/)
    },
  },
]
