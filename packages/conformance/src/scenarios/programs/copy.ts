import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { copyCheckpoint, copyStore, json, openCheckpointStore, type StoreOperations } from "@ckpt/core"
import { type CallInfo, dyingAt, heldCall, intercept, recorder } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { claimsIn } from "../history/claim-support.js"
import {
  assertRecovers,
  bytes,
  flipped,
  legacyManifest,
  manifestOf,
  refusal,
  saveAll,
  stateText,
  streamOf,
} from "../support.js"
import { isChange } from "./changes.js"
import { assertCopied, prefix } from "./copy-support.js"

/** Three checkpoints: with a state; with external operators, a pin and a pending sink; with neither. */
async function saveThree(store: StoreOperations): Promise<void> {
  await saveAll(store, 1)
  const operators = { a: streamOf("one ", "two"), b: bytes("b") }
  const sinkCommitStatuses = { windows: { status: "pending" } } as const
  await store.save(manifestOf(2, { sinkCommitStatuses, labels: { by: "test" } }), { operators, inlineThreshold: 0 })
  await store.save(manifestOf(3), { operators: { a: json({ small: true }) } })
  await store.pin(2, "kept")
}

export const copyScenarios: readonly Scenario[] = [
  {
    name: "copy: a store is copied byte for byte, with its pins and later sink commits, and to copy it twice is harmless",
    async run(context) {
      const { open, allKeys } = context
      const from = await open()
      await saveThree(from)
      const to = await open({ prefix })
      assert.deepEqual(await copyStore(from, to), { copied: [1, 2, 3], existed: [], replaced: [], skipped: [] })
      for (const id of [1, 2]) await assertCopied(context, id)
      await assertCopied(context, 3, false)
      assert.deepEqual(await to.pins(), [{ name: "kept", id: 2 }])
      const keys = await allKeys()
      await from.commitSink(2, "windows")
      assert.deepEqual(await copyStore(from, to), { copied: [], existed: [1, 2, 3], replaced: [], skipped: [] })
      assert.deepEqual(await allKeys(), keys)
      const copy = await to.open(2)
      assert.equal(copy.manifest.sinkCommitStatuses["windows"]?.status, "committed")
      assert.deepEqual(copy.manifest.operatorChecksums, (await from.load(2))?.operatorChecksums)
      assert.deepEqual(await copy.operator("a"), bytes("one two"))
      assert.equal((await to.recover()).nextId, 4)
    },
  },
  {
    name: "copy: what another program wrote has the same bytes in the copy, and is verified by the checksum that it names",
    async run(context) {
      const { open, keys, plant } = context
      const state = bytes(stateText(1))
      const state_checksum = createHash("sha256").update(state).digest("hex")
      for (const id of [1, 2, 3]) {
        await plant(keys.state(id), id === 2 ? flipped(state) : state)
        await plant(keys.manifest(id), legacyManifest(id, id === 3 ? {} : { state_checksum, note: [id] }))
      }
      const from = await open()
      const to = await open({ prefix })
      const { copied, skipped } = await copyStore(from, to)
      assert.deepEqual(copied, [1, 3])
      assert.deepEqual(
        skipped.map(({ id, error }) => [id, error.code]),
        [[2, "CKPT_CORRUPT"]],
      )
      for (const id of copied) await assertCopied(context, id)
      assert.deepEqual((await to.verify(3)).issues, (await from.verify(3)).issues)
      assert.deepEqual((await copyStore(from, to)).existed, [1, 3])
    },
  },
  {
    name: "copy: into the other layout, and back from a leader",
    async run(context) {
      const { open, raw, layout } = context
      const from = await open()
      await saveAll(from, 1, 2)
      const other = layout === "objects" ? "directory" : "objects"
      const backend = intercept(raw, {})
      await using to = await openCheckpointStore({ backend, layout: other, prefix: "other/" })
      await copyStore(from, to)
      await assertRecovers(to, 2)
      if (claimsIn(context) !== "history") return
      await using leader = await to.claim()
      await saveAll(leader, (await leader.recover()).nextId)
      const back = await open({ prefix })
      assert.deepEqual((await copyStore(leader, back)).copied, [1, 2, 3])
      assert.equal((await back.load(3))?.writer, undefined)
      await assertRecovers(back, 3)
    },
  },
  {
    name: "copy: wherever the copying process dies, the copy is sound, and the next one completes it",
    async run(context) {
      const { open, raw } = context
      const from = await open()
      await saveThree(from)
      await from.remove(1)
      for (const at of ["before", "after"] as const) {
        for (let n = 1; ; n++) {
          let calls = 0
          const { through, died } = dyingAt((call) => isChange(call) && ++calls >= n, at)
          const dying = await open({ prefix, through })
          await copyStore(from, dying).then(undefined, () => {})
          await dying.close()
          const to = await open({ prefix })
          for (const { id } of await to.list().toArray()) assert.ok((await to.verify(id)).valid, `call ${n}: ${id}`)
          const { copied, existed } = await copyStore(from, to)
          assert.deepEqual([...copied, ...existed].sort(), [2, 3], `call ${n}`)
          await assertCopied(context, 2)
          await assertCopied(context, 3, false)
          assert.deepEqual(await to.pins(), [{ name: "kept", id: 2 }])
          const keys: string[] = []
          for await (const { key } of raw.list(prefix)) keys.push(key)
          await raw.delete(keys)
          await to.close()
          if (died()) continue
          // State, manifest and pointer, or all of them at once; and the pin.
          assert.ok(n > 3, `${n} calls`)
          break
        }
      }
    },
  },
  {
    name: "copy: other content under the id is a conflict and stays, and of a damaged checkpoint nothing is written",
    async run({ open, keys, peek, plant }) {
      const from = await open()
      const to = await open({ prefix })
      await saveAll(from, 1, 2, 3)
      await to.save(manifestOf(1), { state: bytes("other") })
      const before = await peek(prefix + keys.manifest(1))
      await refusal(copyCheckpoint(from, to, 1), "CKPT_CONFLICT", 1)
      await refusal(copyStore(from, to, { replaceDamaged: true }), "CKPT_CONFLICT", 1)
      assert.deepEqual(await peek(prefix + keys.manifest(1)), before)
      // A copy that was cut off after a state with other bytes of the same size, as no copy writes it.
      await to.writeState(2, flipped(bytes(stateText(2))))
      await refusal(copyCheckpoint(from, to, 2), "CKPT_CORRUPT", 2)
      await plant(keys.state(3), flipped(await peek(keys.state(3))))
      await refusal(copyCheckpoint(from, to, 3), "CKPT_CORRUPT", 3)
      await refusal(copyCheckpoint(from, to, 4), "CKPT_NOT_FOUND", 4)
      assert.deepEqual(await to.ids(), [1])
      assert.equal(await peek(prefix + keys.state(3)), undefined)
      assert.equal((await copyCheckpoint(from, to, 2, { replaceDamaged: true })).outcome, "replaced")
      assert.deepEqual((await to.verify(2, { depth: "deep" })).issues, [])
    },
  },
  {
    name: "copy: several are looked at together, and each is written after all that are older",
    async run({ open, settled }) {
      const from = await open()
      await saveAll(from, 1, 2, 3, 4, 5, 6)
      await copyCheckpoint(from, await open({ prefix }), 4)
      const created = ({ call, keys = [], key }: CallInfo) =>
        (call === "put" || call === "complete" || call === "commit") && [key, ...keys].some((one) => /000002/.test(one))
      const held = heldCall(created)
      const { calls, through } = recorder()
      const to = await open({ prefix, through: (backend) => held.through(through(backend)) })
      const copying = copyStore(from, to)
      await held.reached
      await settled()
      const { length } = calls
      assert.ok(calls.some(({ key }) => /000005/.test(key)))
      assert.deepEqual(await to.ids(), [1, 4])
      assert.ok(!calls.slice(0, length).some((info) => isChange(info) && /00000[356]/.test(info.key)))
      held.release()
      const { copied, existed } = await copying
      assert.deepEqual([copied, existed], [[1, 2, 3, 5, 6], [4]])
      const written = calls.filter((info) => isChange(info) && /manifest-|checkpoint_\d/.test(info.key))
      const order = written.map(({ key }) => Number(/0000\d\d/.exec(key)?.[0]))
      assert.deepEqual(order, [...order].sort())
    },
  },
  {
    name: "copy: from the wrong layout is refused, and from an empty store is a report of nothing",
    async run({ open, raw, layout }) {
      const from = await open()
      const to = await open({ prefix })
      const nothing = { copied: [], existed: [], replaced: [], skipped: [] }
      assert.deepEqual(await copyStore(from, to), nothing)
      await saveAll(from, 1)
      const other = layout === "objects" ? "directory" : "objects"
      await using wrong = await openCheckpointStore({ backend: intercept(raw, {}), layout: other })
      const { message } = await refusal(copyStore(wrong, to), "CKPT_INVALID")
      assert.equal(message, (await refusal(wrong.recover(), "CKPT_INVALID")).message)
      await refusal(copyStore(wrong, to, { follow: { everyMs: 1 } }), "CKPT_INVALID")
      assert.deepEqual(await to.ids(), [])
    },
  },
]
