import assert from "node:assert/strict"
import { copyCheckpoint, copyStore } from "@ckpt/core"
import { type CallInfo, dyingAt } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { assertRecovers, bytes, flipped, manifestOf, refusal, saveAll } from "../support.js"
import { isChange } from "./changes.js"
import { assertCopied, prefix, short } from "./copy-support.js"

/** The ways in which a copy is damaged at rest. `deep`: a look at the size of the state does not show it. */
const damages: readonly {
  readonly what: string
  readonly deep?: boolean
  damage(context: ScenarioContext, id: number): Promise<void>
}[] = [
  {
    what: "a manifest with a flipped bit",
    async damage({ keys, peek, plant }, id) {
      const key = prefix + keys.manifest(id)
      await plant(key, flipped(await peek(key), 40))
    },
  },
  { what: "an empty manifest", damage: ({ keys, plant }, id) => plant(prefix + keys.manifest(id), "") },
  {
    what: "a state that is cut off",
    damage: ({ keys, plant }, id) => plant(prefix + keys.state(id), "the sta"),
  },
  {
    what: "no state",
    async damage({ keys, raw }, id) {
      await raw.delete([prefix + keys.state(id)])
    },
  },
  {
    what: "neither manifest nor state",
    async damage({ keys, plant, raw }, id) {
      await plant(prefix + keys.manifest(id), "{")
      await raw.delete([prefix + keys.state(id)])
    },
  },
  {
    what: "a state with a flipped bit",
    deep: true,
    async damage({ keys, peek, plant }, id) {
      const key = prefix + keys.state(id)
      await plant(key, flipped(await peek(key)))
    },
  },
]

export const copyMendScenarios: readonly Scenario[] = [
  ...damages.map(
    ({ what, deep = false, damage }): Scenario => ({
      name: `copy: a copy with ${what} is told and stays, and replaceDamaged writes it anew, and nothing else`,
      async run(context) {
        const { open, allKeys, peek } = context
        const from = await open()
        const to = await open({ prefix })
        await saveAll(from, 1, 2, 3)
        await copyStore(from, to)
        await damage(context, 2)
        const all = async () => Promise.all((await allKeys()).map(async (key) => [key, await peek(key)] as const))
        const before = await all()
        const depth = deep ? "deep" : "shallow"
        if (deep) assert.deepEqual((await copyStore(from, to, { replaceDamaged: true })).existed, [1, 2, 3])
        const { existed, skipped } = await copyStore(from, to, { depth })
        assert.deepEqual([existed, skipped.map(short)], [[1, 3], [[2, "CKPT_CORRUPT"]]])
        assert.match(skipped[0]?.error.message ?? "", /the copy of checkpoint 2 on .* replaceDamaged: true/)
        await refusal(copyCheckpoint(from, to, 2, { depth }), "CKPT_CORRUPT", 2)
        assert.deepEqual(await all(), before)
        const report = await copyStore(from, to, { depth, replaceDamaged: true })
        assert.deepEqual(report, { copied: [], existed: [1, 3], replaced: [2], skipped: [] })
        for (const id of [1, 2, 3]) await assertCopied(context, id)
        assert.ok((await to.verify(2)).valid)
        assert.ok((await to.list().toArray()).every(({ valid }) => valid))
        assert.deepEqual((await copyStore(from, to, { depth: "deep" })).existed, [1, 2, 3])
      },
    }),
  ),
  {
    name: "copy: wherever the process dies that replaces a damaged copy, the next one completes it",
    async run(context) {
      const { open, plant, keys } = context
      const from = await open()
      await saveAll(from, 1, 2)
      await copyStore(from, await open({ prefix }))
      for (const at of ["before", "after"] as const) {
        for (let n = 1; ; n++) {
          await plant(prefix + keys.manifest(1), "{")
          await plant(prefix + keys.state(1), "the state of nothing")
          let calls = 0
          const { through, died } = dyingAt((call) => isChange(call) && ++calls >= n, at)
          const options = { replaceDamaged: true }
          await copyStore(from, await open({ prefix, through }), options).then(undefined, () => {})
          const to = await open({ prefix })
          // It is damaged, as before, or whole.
          const { valid } = await to.verify(1)
          assert.equal(valid, !died() || (at === "after" && n === 2), `${at} call ${n}`)
          const { existed, replaced } = await copyStore(from, to, options)
          assert.deepEqual([...existed, ...replaced].sort(), [1, 2], `${at} call ${n}`)
          await assertCopied(context, 1)
          if (died()) continue
          // State and manifest.
          assert.ok(n === 3, `${n - 1} calls`)
          break
        }
      }
    },
  },
  {
    name: "copy: replaceDamaged overwrites no other checkpoint, and none of a newer release",
    async run({ open, keys, peek, plant, raw }) {
      const from = await open()
      const to = await open({ prefix })
      await saveAll(from, 1, 2)
      await to.save(manifestOf(1), { state: bytes("other") })
      // Its manifest tells what it was, even without its state.
      await raw.delete([prefix + keys.state(1)])
      await plant(prefix + keys.manifest(2), '{"version": 99}')
      const before = [await peek(prefix + keys.manifest(1)), await peek(prefix + keys.manifest(2))]
      for (const id of [1, 2]) {
        await refusal(copyCheckpoint(from, to, id, { replaceDamaged: true }), "CKPT_CONFLICT", id)
        await refusal(copyStore(from, to, { ids: [id], replaceDamaged: true }), "CKPT_CONFLICT", id)
      }
      assert.deepEqual([await peek(prefix + keys.manifest(1)), await peek(prefix + keys.manifest(2))], before)
    },
  },
  {
    name: "copy: a damaged latest checkpoint leaves its id to nobody in the copy, which tells that it is missing",
    async run(context) {
      const { open, keys, peek, plant } = context
      const from = await open()
      await saveAll(from, 1, 2, 3)
      const manifest = await peek(keys.manifest(3))
      assert.ok(manifest !== undefined)
      await plant(keys.manifest(3), flipped(manifest, 40))
      const to = await open({ prefix })
      assert.equal(await to.nextId(), 1)
      const { skipped } = await copyStore(from, to)
      assert.deepEqual(skipped.map(short), [[3, "CKPT_CORRUPT"]])
      assert.equal(await to.nextId(), await from.nextId())
      const found = await assertRecovers(await open({ prefix }), 2)
      assert.deepEqual([found.nextId, found.skipped.map(({ id }) => id)], [4, [3]])
      await copyStore(from, to)
      // Once it is mended, it is copied all the same.
      await plant(keys.manifest(3), manifest)
      assert.deepEqual((await copyStore(from, to)).copied, [3])
      await assertRecovers(to, 3)
      // Without the latest, the job goes on behind it.
      await plant(keys.manifest(3), "{")
      const second = await open({ prefix: "second/" })
      await copyStore(from, second)
      assert.equal((await second.saveNext()).id, 4)
      assert.deepEqual(await second.ids(), [1, 2, 4])
    },
  },
  {
    name: "copy: wherever the process dies before the copy knows that the latest is lost, the next one tells it",
    async run(context) {
      const { open, keys, plant } = context
      const from = await open()
      await saveAll(from, 1, 2)
      await plant(keys.manifest(2), "{")
      for (const at of ["before", "after"] as const) {
        const swap = ({ call, key }: CallInfo) => call === "put" && key === `${at}/${keys.history}`
        const { through, died } = dyingAt(swap, at)
        await copyStore(from, await open({ prefix: at, through })).then(undefined, () => {})
        assert.ok(died())
        const to = await open({ prefix: at })
        assert.equal(await to.nextId(), at === "before" ? 2 : 3)
        assert.deepEqual((await copyStore(from, to)).existed, [1])
        assert.equal(await to.nextId(), 3)
        const { skipped } = await assertRecovers(to, 1)
        assert.deepEqual(
          skipped.map(({ id }) => id),
          [2],
        )
      }
    },
  },
  {
    name: "copy: the copy of a store in which nothing verifies, or whose latest is lost, is not fresh",
    async run({ open, keys, plant, raw }) {
      const from = await open()
      await saveAll(from, 1)
      await plant(keys.manifest(1), "{")
      const to = await open({ prefix })
      assert.deepEqual((await copyStore(from, to)).skipped.map(short), [[1, "CKPT_CORRUPT"]])
      const found = await to.recover()
      assert.equal(found.outcome, (await from.recover()).outcome)
      assert.equal(found.outcome, "exhausted")
      assert.equal(found.nextId, 2)
      // The pointer of the source names a checkpoint that is gone.
      await saveAll(from, 2, 3)
      await raw.delete([keys.manifest(3), keys.state(3)])
      const second = await open({ prefix: "second/" })
      assert.deepEqual((await copyStore(from, second)).skipped.map(short), [
        [1, "CKPT_CORRUPT"],
        [3, "CKPT_CORRUPT"],
      ])
      assert.equal(await second.nextId(), 4)
      assert.deepEqual(
        (await assertRecovers(second, 2)).skipped.map(({ id }) => id),
        [3],
      )
    },
  },
]
