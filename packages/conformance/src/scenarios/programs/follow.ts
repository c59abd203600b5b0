import assert from "node:assert/strict"
import { acceptCommitted, type CopySkipped, copyStore, type StoreOperations } from "@ckpt/core"
import { type CallInfo, dyingAt, recorder } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { bytes, flipped, manifestOf, rejection, saveAll } from "../support.js"
import { assertCopied, follow, prefix, short } from "./copy-support.js"

/** Follows into the copy from step to step. */
function following(
  { open }: ScenarioContext,
  from: StoreOperations,
  ...steps: readonly (() => Promise<unknown>)[]
): Promise<CopySkipped[]> {
  return follow(from, (clock) => open({ prefix, clock }), steps)
}

const failed = { windows: { status: "failed", message: "no room" } } as const

export const followScenarios: readonly Scenario[] = [
  {
    name: "follow: a pin that moved moves in the copy, in one change; one that was removed stays",
    async run({ open, keys }) {
      const from = await open()
      await saveAll(from, 1, 2, 3)
      await from.pin(1, "nightly")
      await from.pin(1, "old")
      const { calls, through } = recorder()
      const to = await open({ prefix })
      const moves = async () => {
        const old = { name: "old", id: 1 }
        assert.deepEqual(await to.pins(), [{ name: "nightly", id: 1 }, old])
        await from.unpin("old")
        await from.unpin("nightly")
        await from.pin(2, "nightly")
        calls.length = 0
      }
      assert.deepEqual(await follow(from, (clock) => open({ prefix, clock, through }), [moves]), [])
      assert.deepEqual(await to.pins(), [
        { name: "old", id: 1 },
        { name: "nightly", id: 2 },
      ])
      // There is no moment in which neither is pinned.
      assert.equal(calls.filter(({ call, key }) => call === "put" && key === prefix + keys.history).length, 1)
    },
  },
  {
    name: "follow: a pin of the copy's own stays and is told once, and gives way when it is taken away",
    async run(context) {
      const from = await context.open()
      const to = await context.open({ prefix })
      await saveAll(from, 1, 2, 3)
      await copyStore(from, to)
      await to.pin(1, "mine")
      await from.pin(2, "mine")
      await from.pin(3, "other")
      const skipped = await following(
        context,
        from,
        async () => {
          assert.deepEqual(await to.pins(), [
            { name: "mine", id: 1 },
            { name: "other", id: 3 },
          ])
        },
        () => to.unpin("mine"),
      )
      assert.deepEqual(skipped.map(short), [[2, "mine", "CKPT_CONFLICT"]])
      const { message, backend } = skipped[0]?.error ?? {}
      assert.ok(message?.includes(`pins checkpoint 1 on ${backend} already. unpin("mine") first`), message)
      assert.deepEqual(await to.pins(), [
        { name: "mine", id: 2 },
        { name: "other", id: 3 },
      ])
      // A copy that begins anew does not know whose pin it is.
      await from.unpin("mine")
      await from.pin(3, "mine")
      assert.deepEqual((await copyStore(from, to)).skipped.map(short), [[3, "mine", "CKPT_CONFLICT"]])
    },
  },
  {
    name: "follow: crash before the write that moves a pin: the pin is as it was, and the next copy tells of it",
    async run(context) {
      const { keys, open } = context
      const from = await open()
      await saveAll(from, 1, 2, 3)
      await from.pin(1, "nightly")
      const moves = async () => {
        await from.unpin("nightly")
        await from.pin(2, "nightly")
      }
      let pins = 0
      const second = ({ call, key }: CallInfo) => call === "put" && key === prefix + keys.history && ++pins === 2
      const { through, died } = dyingAt(second, "before")
      await rejection(follow(from, (clock) => open({ prefix, clock, through }), [moves]))
      assert.ok(died())
      const to = await open({ prefix })
      assert.deepEqual(await to.pins(), [{ name: "nightly", id: 1 }])
      assert.deepEqual((await to.prune({ last: 1 }, { dryRun: true })).kept, [1, 3])
      assert.deepEqual((await copyStore(from, to)).skipped.map(short), [[2, "nightly", "CKPT_CONFLICT"]])
      await to.unpin("nightly")
      assert.deepEqual((await copyStore(from, to)).skipped, [])
      assert.deepEqual(await to.pins(), [{ name: "nightly", id: 2 }])
    },
  },
  {
    name: "follow: goes on when retention of the copy removed what the source pins, and tells it",
    async run(context) {
      const from = await context.open()
      const to = await context.open({ prefix })
      await saveAll(from, 1, 2, 3)
      const sinkCommitStatuses = { windows: { status: "pending" } } as const
      await from.save(manifestOf(4, { sinkCommitStatuses }))
      await saveAll(from, 5)
      const skipped = await following(
        context,
        from,
        async () => {
          await to.remove(1)
          await to.remove(4)
          await from.pin(1, "late")
          await from.commitSink(4, "windows")
          await saveAll(from, 6)
        },
        () => saveAll(from, 7),
      )
      assert.deepEqual(skipped.map(short), [
        [4, "CKPT_CONFLICT"],
        [1, "late", "CKPT_NOT_FOUND"],
      ])
      assert.deepEqual(await to.ids(), [2, 3, 5, 6, 7])
    },
  },
  {
    name: "follow: what is damaged is told once, is not read again while it stays so, and is copied once it is mended",
    async run(context) {
      const { open, keys, peek, plant } = context
      const { calls, through } = recorder()
      const from = await open({ through })
      await saveAll(from, 1, 2, 3, 4)
      const [manifest, state] = [await peek(keys.manifest(2)), await peek(keys.state(3))]
      assert.ok(manifest !== undefined && state !== undefined)
      await plant(keys.manifest(2), flipped(manifest, 40))
      await plant(keys.state(3), state.slice(1))
      const to = await open({ prefix })
      const skipped = await following(
        context,
        from,
        async () => {
          assert.deepEqual(await to.ids(), [1, 4])
          calls.length = 0
        },
        async () => {
          const reads = calls.filter(({ call, key }) => call === "get" && /manifest-|checkpoint_/.test(key))
          assert.deepEqual(reads, [])
          await plant(keys.manifest(2), manifest)
          await plant(keys.state(3), state)
        },
      )
      assert.deepEqual(skipped.map(short), [
        [2, "CKPT_CORRUPT"],
        [3, "CKPT_CORRUPT"],
      ])
      for (const id of [1, 2, 3, 4]) await assertCopied(context, id)
    },
  },
  {
    name: "follow: an original whose labels change is told each time, stays as it was copied, and the rest goes on",
    async run(context) {
      const from = await context.open()
      await saveAll(from, 1, 2)
      const labelled = (by: string) => () => from.update(1, (current) => ({ ...current, labels: { by } }))
      const skipped = await following(context, from, labelled("one"), labelled("two"), () => saveAll(from, 3))
      assert.deepEqual(skipped.map(short), [
        [1, "CKPT_CONFLICT"],
        [1, "CKPT_CONFLICT"],
      ])
      const to = await context.open({ prefix })
      assert.deepEqual(await to.ids(), [1, 2, 3])
      assert.equal((await to.load(1))?.labels, undefined)
    },
  },
  {
    name: "follow: a sink that failed and has committed since is carried over",
    async run(context) {
      const from = await context.open()
      await from.save(manifestOf(1, { sinkCommitStatuses: failed }), { state: bytes("one") })
      const to = await context.open({ prefix })
      const skipped = await following(context, from, () => from.commitSink(1, "windows"))
      assert.deepEqual(skipped, [])
      assert.equal((await to.recover({ accept: acceptCommitted })).checkpoint?.id, 1)
    },
  },
]
