import assert from "node:assert/strict"
import type { Scenario } from "../../harness/scenario.js"
import { bytes, manifestOf, readAll, refusal, streamOf } from "../support.js"

/** States that are written before, or after, their manifest. */
export const aheadScenarios: readonly Scenario[] = [
  {
    name: "stream: save takes over the state that writeState wrote before",
    async run({ open }) {
      const store = await open()
      const info = await store.writeState(1, bytes("ahead"))
      const receipt = await store.save(manifestOf(1))
      assert.deepEqual([receipt.stateChecksum, receipt.stateSize], [info.checksum, info.size])
      assert.deepEqual(await store.verify(1), { id: 1, valid: true, issues: [] })
      const { checkpoint } = await (await open()).recover()
      assert.equal(await readAll(await checkpoint?.state()), "ahead")
      await refusal(store.writeState(1, bytes("other")), "CKPT_CONFLICT", 1)
    },
  },
  {
    name: "stream: a second writeState succeeds with the same bytes and is CKPT_CONFLICT with others",
    async run({ open }) {
      const store = await open()
      await store.writeState(1, bytes("ahead"))
      await store.writeState(1, streamOf("ahe", "ad"))
      await (await open()).writeState(1, bytes("ahead"))
      await refusal(store.writeState(1, bytes("other")), "CKPT_CONFLICT", 1)
      assert.equal((await store.save(manifestOf(1))).stateSize, 5)
    },
  },
  {
    name: "stream: another store takes over a written state if the manifest names its checksum",
    async run({ open }) {
      const { checksum, size } = await (await open()).writeState(1, bytes("ahead"))
      const store = await open()
      await refusal(store.save(manifestOf(1, { stateChecksum: "0".repeat(64) })), "CKPT_INVALID", 1)
      await refusal(store.save(manifestOf(2, { stateChecksum: checksum })), "CKPT_INVALID", 2)
      const receipt = await store.save(manifestOf(1, { stateChecksum: checksum }))
      assert.deepEqual([receipt.stateChecksum, receipt.stateSize], [checksum, size])
      assert.equal((await store.verify(1)).valid, true)
    },
  },
  {
    name: "stream: a state that is written after its manifest is a warning and is not the checkpoint's state",
    async run({ open }) {
      const store = await open()
      await store.save(manifestOf(1))
      await store.writeState(1, bytes("afterwards"))
      const { valid, issues } = await store.verify(1)
      assert.deepEqual([valid, issues.map(({ code }) => code)], [true, ["state-unverified"]])
      const found = await store.recover()
      assert.equal(found.checkpoint?.id, 1)
      assert.equal(await found.checkpoint?.state(), undefined)
      assert.equal(await readAll(await store.readState(1)), "afterwards")
    },
  },
  {
    name: "stream: a save whose state is there already succeeds with the same bytes and is CKPT_CONFLICT with others",
    async run({ open }) {
      await (await open()).writeState(1, bytes("same"))
      const receipt = await (await open()).save(manifestOf(1), { state: streamOf("sa", "me") })
      assert.deepEqual([receipt.outcome, receipt.stateSize], ["created", 4])
      await (await open()).writeState(2, bytes("same"))
      await refusal((await open()).save(manifestOf(2), { state: bytes("diff") }), "CKPT_CONFLICT", 2)
      assert.deepEqual(await (await open()).ids(), [1])
    },
  },
]
