import assert from "node:assert/strict"
import { CheckpointError, type CheckpointStore, createManifest } from "@ckpt/core"
import { recorder } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { bytes, manifestOf, refusal, rejection, saveAll } from "../support.js"

const badIds: readonly unknown[] = [
  -1,
  1.5,
  1e21,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  "0x10",
  "+5",
  " 1",
  "",
  "1",
  1n,
  null,
  undefined,
  {},
]

const withId: Readonly<Record<string, (store: CheckpointStore, id: never) => Promise<unknown>>> = {
  save: (store, id) => store.save({ ...manifestOf(1), checkpointId: id }),
  writeState: (store, id) => store.writeState(id, bytes("s")),
  update: (store, id) => store.update(id, (current) => current),
  remove: (store, id) => store.remove(id),
  load: (store, id) => store.load(id),
  readState: (store, id) => store.readState(id),
  verify: (store, id) => store.verify(id),
}

export const inputScenarios: readonly Scenario[] = [
  ...Object.entries(withId).map(
    ([name, call]): Scenario => ({
      name: `input: ${name} refuses an invalid id before any request`,
      async run({ open }) {
        await saveAll(await open(), 1)
        const { calls, through } = recorder()
        const store = await open({ through })
        for (const id of badIds) {
          const error = await refusal(call(store, id as never), "CKPT_INVALID")
          assert.ok(error.message.length > 20, error.message)
        }
        if (name === "save" || name === "writeState" || name === "update") {
          await refusal(call(store, 0 as never), "CKPT_INVALID")
        }
        assert.deepEqual(calls, [])
      },
    }),
  ),
  {
    name: "input: id 0 is never found",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1)
      assert.equal(await store.load(0), undefined)
      assert.equal(await store.readState(0), undefined)
      assert.equal(await store.remove(0), false)
      assert.equal((await store.verify(0)).valid, false)
    },
  },
  {
    name: "input: a manifest that cannot be stored exactly is CKPT_INVALID with the field's path",
    async run({ open, allKeys }) {
      const store = await open()
      const odd: readonly [object, RegExp][] = [
        [{ epoch: -1 }, /epoch/],
        [{ epoch: "7" }, /epoch/],
        [{ epoch: 2 ** 53 }, /epoch/],
        [{ watermark: 5 }, /watermark/],
        [{ watermark: 2n ** 63n }, /watermark/],
        [{ pipelineHash: -1n }, /pipelineHash/],
        [{ pipelineHash: 2n ** 64n }, /pipelineHash/],
        [{ vnodeCount: 65_536 }, /vnodeCount/],
        [{ sourceNames: [1] }, /sourceNames/],
        [{ sinkCommitStatuses: { s: { status: "done" } } }, /sinkCommitStatuses/],
        [{ sourceOffsets: { orders: { epoch: 1, offsets: { "0": 2 ** 53 } } } }, /orders/],
        [{ operatorStates: { op: { stateB64: "***" } } }, /op/],
        [{ offsets: {} }, /offsets/],
      ]
      for (const [fields, path] of odd) {
        const error = await refusal(store.save({ ...manifestOf(1), ...fields } as never), "CKPT_INVALID")
        assert.match(error.message, path)
        assert.throws(() => createManifest({ checkpointId: 1, epoch: 1, ...fields } as never), CheckpointError)
      }
      for (const nothing of [undefined, null, 5, "manifest", []])
        await refusal(store.save(nothing as never), "CKPT_INVALID")
      assert.deepEqual(await allKeys(), [])
    },
  },
  {
    name: "input: the extremes of 64-bit fields come back exactly",
    async run({ open }) {
      const store = await open()
      const extremes = {
        watermark: -(2n ** 63n),
        sourceWatermarks: { low: -(2n ** 63n), high: 2n ** 63n - 1n, zero: 0n },
        pipelineHash: 2n ** 64n - 1n,
        sinkEpochs: { sink: Number.MAX_SAFE_INTEGER },
      }
      await store.save(manifestOf(1, extremes))
      const loaded = await (await open()).loadLatest()
      assert.equal(loaded?.watermark, extremes.watermark)
      assert.deepEqual({ ...loaded?.sourceWatermarks }, extremes.sourceWatermarks)
      assert.equal(loaded?.pipelineHash, extremes.pipelineHash)
      assert.equal(loaded?.sinkEpochs["sink"], Number.MAX_SAFE_INTEGER)
    },
  },
  {
    name: "input: an update whose change returns no valid manifest of this id is CKPT_INVALID and changes nothing",
    async run({ open, keys, peek }) {
      const store = await open()
      await saveAll(store, 1)
      const before = await peek(keys.manifest(1))
      const changes: ((current: never) => unknown)[] = [
        () => undefined,
        () => 5,
        () => ({}),
        async (current) => current,
        (current) => ({ ...(current as object), checkpointId: 2 }),
        (current) => ({ ...(current as object), epoch: 0 }),
        (current) => ({ ...(current as object), watermark: 5 }),
        (current) => ({
          ...(current as object),
          operatorStates: { op: { external: true, externalOffset: 0, externalLength: 99, stateB64: null } },
        }),
      ]
      for (const change of changes) await refusal(store.update(1, change as never), "CKPT_INVALID")
      const mine = new Error("mine")
      const failing = () => {
        throw mine
      }
      assert.equal(await rejection(store.update(1, failing)), mine)
      assert.deepEqual(await peek(keys.manifest(1)), before)
    },
  },
]
