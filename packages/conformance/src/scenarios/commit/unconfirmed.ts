import assert from "node:assert/strict"
import { BackendError, type CheckpointManifest, type CheckpointStore, copyStore, type ObjectBackend } from "@ckpt/core"
import { ambiguous, type CallInfo, intercept, recorder } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { later } from "../retention/clocks.js"
import { bytes, listedIds, manifestOf, range, refusal, saveAll } from "../support.js"
import { assertSound, isStep, shaped, steps } from "./victim.js"

/** The same backend. What is visible at a key may still be undone, until `isDurable`. */
function visibleFirst(backend: ObjectBackend, isDurable: (keys: readonly string[]) => boolean): ObjectBackend {
  // Twice, so that the backend of a claim is intercepted too.
  const shown = { ...intercept(backend, {}), confirm: async () => {} }
  return intercept(shown, {
    async around(info, proceed) {
      if (info.call !== "confirm") return proceed()
      if (!isDurable(info.keys ?? [])) throw new BackendError("ambiguous", "the directory is not synced")
      return undefined
    },
  })
}

/** Loses the answer to each of these writes, which take effect. Only a reading finds them. */
function losing(backend: ObjectBackend, on: (info: CallInfo) => boolean): ObjectBackend {
  return intercept(backend, {
    async around(info, proceed) {
      if (!on(info)) return proceed()
      await proceed()
      throw ambiguous()
    },
  })
}

async function open(
  context: ScenarioContext,
  on: (info: CallInfo) => boolean,
  isDurable: (keys: readonly string[]) => boolean,
) {
  await saveAll(await context.open(), 1)
  return context.open({
    retry: { attempts: 1 },
    through: (backend) => visibleFirst(losing(backend, on), isDurable),
  })
}

const saves = steps
  .filter((step) => step !== "pointer")
  .map(
    (step): Scenario => ({
      name: `lost answer of the ${step} request: what a reading finds is not acknowledged before it is durable`,
      async run(context) {
        await saveAll(await context.open(), 1)
        let isDurable = false
        const on = isStep(context, step, 2)
        const store = await context.open({
          retry: { attempts: 1 },
          through: (backend) => visibleFirst(losing(shaped(context, step, backend), on), () => isDurable),
        })
        const manifest = manifestOf(2)
        await refusal(store.save(manifest, { state: bytes("ours") }), "CKPT_UNKNOWN_OUTCOME", 2)
        isDurable = true
        await store.save(manifest, { state: bytes("ours") })
        await assertSound(context, 2, "ours")
      },
    }),
  )

/** A store that finds this checkpoint, which a crash may still undo, until it is made durable. */
async function finding({ open, keys }: ScenarioContext, id: number) {
  let isInDoubt = true
  const store = await open({
    through: (backend) =>
      later(24 * 3_600_000)(visibleFirst(backend, (all) => !isInDoubt || !all.includes(keys.manifest(id)))),
  })
  const makeDurable = () => {
    isInDoubt = false
  }
  return { store, makeDurable }
}

const update = (store: CheckpointStore) => store.update(1, (current) => ({ ...current, sinkEpochs: { sink: 1 } }))

/** A storage on which a write is visible before it is durable. */
export const unconfirmedScenarios: readonly Scenario[] = [
  ...saves,
  {
    name: "lost answer of an update: what a reading finds is not acknowledged before it is durable",
    async run(context) {
      let isDurable = false
      const on = ({ call, key }: CallInfo) => call === "put" && key === context.keys.manifest(1)
      const store = await open(context, on, () => isDurable)
      await refusal(update(store), "CKPT_UNKNOWN_OUTCOME", 1)
      isDurable = true
      await update(store)
    },
  },
  {
    name: "an update whose sync failed is CKPT_UNKNOWN_OUTCOME, although it is visible",
    async run(context) {
      await saveAll(await context.open(), 1)
      const store = await context.open({
        through: (backend) =>
          intercept(backend, {
            async around(info, proceed) {
              const answer = await proceed()
              if (info.call !== "put" || info.key !== context.keys.manifest(1)) return answer
              throw new BackendError("ambiguous", "the sync of the directory failed", { unsettleable: true })
            },
          }),
      })
      await refusal(update(store), "CKPT_UNKNOWN_OUTCOME", 1)
    },
  },
  {
    name: "lost answer of the write of the history: a pin is not acknowledged before it is durable",
    async run(context) {
      let isDurable = false
      const { history } = context.keys
      const on = ({ call, key }: CallInfo) => call === "put" && key === history
      const store = await open(context, on, (all) => isDurable || !all.includes(history))
      await refusal(store.pin(1, "kept"), "CKPT_IO")
      isDurable = true
      await store.pin(1, "kept")
    },
  },
  {
    name: "recovery: a checkpoint that a crash may still undo is given to nobody who acts on it",
    async run(context) {
      await saveAll(await context.open(), 1, 2)
      const { store, makeDurable } = await finding(context, 2)
      await refusal(store.recover(), "CKPT_UNKNOWN_OUTCOME", 2)
      const visited: number[] = []
      const restored = store.restore(async ({ id }) => visited.push(id))
      await refusal(restored, "CKPT_UNKNOWN_OUTCOME", 2)
      assert.deepEqual(visited, [])
      // Whoever only looks is shown what is there.
      assert.equal((await store.open(2)).id, 2)
      assert.equal((await store.loadLatest())?.checkpointId, 2)
      assert.deepEqual(await listedIds(store), [1, 2])
      // A checkpoint that is not accepted is not asked about.
      const accept = ({ checkpointId }: CheckpointManifest) => checkpointId < 2
      assert.equal((await store.recover({ accept })).checkpoint?.id, 1)
      makeDurable()
      assert.equal((await store.recover()).checkpoint?.id, 2)
    },
  },
  {
    name: "recovery: a claim gives no checkpoint that a crash may still undo",
    async run(context) {
      await saveAll(await context.open(), 1, 2)
      const { store, makeDurable } = await finding(context, 2)
      const leader = await store.claim()
      await refusal(leader.recover(), "CKPT_UNKNOWN_OUTCOME", 2)
      makeDurable()
      assert.equal((await leader.recover()).checkpoint?.id, 2)
    },
  },
  {
    name: "recovery: a storage that does not say in time whether a checkpoint is durable is CKPT_TIMEOUT",
    async run({ open }) {
      await saveAll(await open(), 1)
      const store = await open({
        timeoutMs: 50,
        retry: { attempts: 1 },
        through: (backend) => ({
          ...intercept(backend, {}),
          confirm: (_, { signal } = {}) =>
            new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
        }),
      })
      await refusal(store.recover(), "CKPT_TIMEOUT")
    },
  },
  {
    name: "recovery: whether a checkpoint is durable is asked once, and not of what this store has saved last",
    async run({ open }) {
      const { calls, through } = recorder()
      const asked = () => calls.filter(({ call }) => call === "confirm").length
      const shown = () => open({ through: (backend) => through(visibleFirst(backend, () => true)) })
      const writer = await shown()
      await saveAll(writer, 1, 2)
      assert.equal((await writer.recover()).checkpoint?.id, 2)
      assert.equal(asked(), 0)
      const reader = await shown()
      for (const _ of range(1, 3)) assert.equal((await reader.recover()).checkpoint?.id, 2)
      assert.equal(asked(), 1)
    },
  },
  {
    name: "retention: nothing goes because of a checkpoint that a crash may still undo",
    async run(context) {
      await saveAll(await context.open(), 1, 2, 3)
      const { store, makeDurable } = await finding(context, 3)
      assert.deepEqual((await store.prune({ last: 1 }, { dryRun: true })).removed, [1])
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1])
      await refusal(store.remove(2), "CKPT_INVALID", 2)
      assert.deepEqual(await listedIds(await context.open()), [2, 3])
      makeDurable()
      assert.deepEqual((await store.prune({ last: 1 })).removed, [2])
    },
  },
  {
    name: "retention: a checkpoint that a crash may still undo fills no place of the rules",
    async run(context) {
      await saveAll(await context.open(), 1, 2, 3)
      const { store, makeDurable } = await finding(context, 3)
      assert.deepEqual((await store.prune({ last: 2 })).removed, [])
      makeDurable()
      assert.deepEqual((await store.prune({ last: 2 })).removed, [1])
    },
  },
  {
    name: "retention: what nobody can know is asked once of each checkpoint",
    async run({ open }) {
      await saveAll(await open(), 1, 2, 3)
      const { calls, through } = recorder()
      const store = await open({ through: (backend) => through(visibleFirst(backend, () => false)) })
      assert.deepEqual((await store.prune({ last: 1 })).removed, [])
      assert.equal(calls.filter(({ call }) => call === "confirm").length, 3)
    },
  },
  {
    name: "retention: a commit that a crash may still undo is not the latest: the one before it stays too",
    async run(context) {
      const commit = (store: CheckpointStore, id: number) =>
        store.update(id, (current) => ({ ...current, sinkCommitStatuses: { out: { status: "committed" } } }))
      const writer = await context.open()
      for (const id of range(1, 4))
        await writer.save(manifestOf(id, { sinkCommitStatuses: { out: { status: "pending" } } }))
      for (const id of [1, 2, 3]) await commit(writer, id)
      const { store, makeDurable } = await finding(context, 3)
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1])
      makeDurable()
      assert.deepEqual((await store.prune({ last: 1 })).removed, [2])
      assert.deepEqual(await listedIds(await context.open()), [3, 4])
    },
  },
  {
    name: "collectOrphans: no state goes because of a checkpoint that a crash may still undo",
    async run(context) {
      const { keys, plant, open } = context
      await saveAll(await open(), 1, 3)
      await plant(keys.state(2), "of a save that broke off")
      const { store, makeDurable } = await finding(context, 3)
      assert.deepEqual((await store.collectOrphans()).removed, [])
      makeDurable()
      assert.deepEqual((await store.collectOrphans()).removed, [keys.state(2)])
    },
  },
  {
    name: "copy: a copy that a crash may still undo is not acknowledged as one that existed",
    async run(context) {
      const { open } = context
      const from = await open({ prefix: "source/" })
      await saveAll(from, 1, 2)
      await copyStore(from, await open())
      const { store, makeDurable } = await finding(context, 2)
      await refusal(copyStore(from, store), "CKPT_UNKNOWN_OUTCOME", 2)
      makeDurable()
      assert.deepEqual((await copyStore(from, store)).existed, [1, 2])
    },
  },
  {
    name: "copy: a damaged state is not acknowledged as mended under a manifest that a crash may still undo",
    async run(context) {
      const { keys, open, plant } = context
      const from = await open({ prefix: "source/" })
      await saveAll(from, 1)
      await copyStore(from, await open())
      await plant(keys.state(1), "the sta")
      const { store, makeDurable } = await finding(context, 1)
      const mend = () => copyStore(from, store, { replaceDamaged: true })
      await refusal(mend(), "CKPT_UNKNOWN_OUTCOME", 1)
      makeDurable()
      await mend()
    },
  },
  {
    name: "pin: a checkpoint that a crash may still undo is not pinned",
    async run(context) {
      await saveAll(await context.open(), 1, 2)
      const { store, makeDurable } = await finding(context, 2)
      await refusal(store.pin(2, "kept"), "CKPT_UNKNOWN_OUTCOME", 2)
      assert.deepEqual(await store.pins(), [])
      makeDurable()
      await store.pin(2, "kept")
    },
  },
  {
    name: "objects: what a crash may still undo is told apart from what is durable",
    async run({ openObjects }) {
      await using objects = await openObjects({
        prefix: "things",
        through: (backend) => visibleFirst(backend, (all) => !all.includes("things/a")),
      })
      for (const key of ["a", "b"]) await objects.create(key, bytes(key))
      assert.deepEqual(
        [await objects.isDurable("b"), await objects.isDurable("a"), await objects.isDurable(["b", "a"])],
        [true, false, false],
      )
      await refusal(objects.isDurable(["a", "../b"]), "CKPT_INVALID")
    },
  },
  {
    name: "retention: what a store has saved itself costs no question whether it is durable",
    async run({ open }) {
      const { calls, through } = recorder()
      const store = await open({ through: (backend) => through(visibleFirst(backend, () => true)) })
      await saveAll(store, 1, 2, 3)
      await store.prune({ last: 1 })
      assert.deepEqual(
        calls.filter(({ call }) => call === "confirm"),
        [],
      )
    },
  },
]
