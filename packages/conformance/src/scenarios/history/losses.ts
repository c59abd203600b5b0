import assert from "node:assert/strict"
import type { CheckpointErrorCode, CheckpointStore, ObjectBackend, ObjectMeta } from "@ckpt/core"
import { calls, intercept, permanent, withFaults } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { gate } from "../../harness/waiting.js"
import {
  bytes,
  historyAtRest,
  historyBytes,
  listedIds,
  manifestOf,
  range,
  refusal,
  saveAll,
  stateText,
} from "../support.js"
import { claimed, claimingInHistory, latestId } from "./claim-support.js"

/**
 * A store with a past: 1 to 3 by a plain writer, then two leaders. The first one saved 4, and wrote 9 when it did not lead any
 * more; the second one saved 10 to 12, pinned 10 and removed 1 and 2.
 */
async function storeWithPast(context: ScenarioContext): Promise<void> {
  const { open } = context
  await saveAll(await open(), 1, 2, 3)
  const first = await claimed(context)
  await saveAll(first, 4)
  const second = await claimed(context)
  await refusal(first.save(manifestOf(9), { state: bytes("of a zombie") }), "CKPT_FENCED")
  await second.recover()
  await saveAll(second, 10, 11, 12)
  await second.pin(10, "kept")
  await second.remove(1)
  await second.remove(2)
  assert.deepEqual(await listedIds(await open()), [3, 4, 10, 11, 12])
}

type Loss = (context: ScenarioContext) => Promise<void>

/** Ways to lose the history. */
const losses: Readonly<Record<string, Loss>> = {
  "is gone": async ({ raw, keys }) => {
    await raw.delete([keys.history])
  },
  "is garbled": ({ plant, keys }) => plant(keys.history, "garbled"),
  "is empty": ({ plant, keys }) => plant(keys.history, ""),
  "is cut in half": async ({ plant, peek, keys }) => {
    const whole = (await peek(keys.history)) as Uint8Array
    await plant(keys.history, whole.subarray(0, whole.length >> 1))
  },
  "is too large": ({ plant, keys }) => plant(keys.history, new Uint8Array(16 * 1024 * 1024 + 1)),
  "has foreign bytes": ({ plant, keys }) => plant(keys.history, JSON.stringify({ checkpoint_id: 12 })),
  "is back at an older epoch": async (context) => {
    const now = await historyAtRest(context)
    await context.plant(
      context.keys.history,
      historyBytes({ ...now, epoch: 1, floor: 4, kept: "1-4", top: 0, pins: {} }),
    )
  },
  "is of another store": async ({ plant, keys }) => {
    const fields = { version: 1, lineage: "a".repeat(32), epoch: 0, floor: 0, kept: "", top: 0, pins: {}, token: "t" }
    await plant(keys.history, historyBytes(fields))
  },
}

/** By the manifests alone: all but 9, since the second leader recovered 4, so that 4 carries its epoch. */
const left = [3, 4, 10, 11, 12]

/** What each reader gives while the history is lost. A reader that reads no manifest may not notice the loss. */
const readers: readonly [
  name: string,
  notices: boolean,
  run: (store: CheckpointStore) => Promise<unknown>,
  gives: unknown,
][] = [
  ["ids", false, (store) => store.ids(), [3, 4, 9, 10, 11, 12]],
  ["list", true, listedIds, left],
  ["load", true, async (store) => [(await store.load(11))?.epoch, await store.load(9)], [11, undefined]],
  ["loadLatest", true, latestId, 12],
  ["nextId", false, (store) => store.nextId(), 13],
  ["readState", true, async (store) => (await (await store.readState(11))?.bytes())?.length, stateText(11).length],
  ["verify", true, async (store) => [(await store.verify(11)).valid, (await store.verify(9)).valid], [true, false]],
  ["recover", true, async (store) => (await store.recover()).checkpoint?.id, 12],
  ["restore", true, async (store) => (await store.restore(async ({ id }) => id)).value, 12],
  ["pins", false, (store) => store.pins(), []],
]

/** Whatever would write. */
const writes: Readonly<Record<string, (store: CheckpointStore) => Promise<unknown>>> = {
  save: (store) => store.save(manifestOf(20)),
  "save with a state": (store) => store.save(manifestOf(21), { state: bytes("s") }),
  writeState: (store) => store.writeState(22, bytes("s")),
  update: (store) => store.update(11, (current) => ({ ...current, epoch: 99 })),
  pin: (store) => store.pin(11, "late"),
  unpin: (store) => store.unpin("kept"),
  remove: (store) => store.remove(3),
  prune: (store) => store.prune({ last: 1 }),
  collectOrphans: (store) => store.collectOrphans({ olderThanMs: 0 }),
  repair: (store) => store.repair(),
}
/** Those that delete. They read manifests first, so they notice the loss on a store that has read nothing before, too. */
const deletes = ["remove", "prune", "collectOrphans"]
/** They say that the history is lost; a store with claims is claimed anew, not repaired. */
const refusals: readonly CheckpointErrorCode[] = ["CKPT_CORRUPT", "CKPT_FENCED"]

const lossesOfHistory = Object.entries(losses).map(([how, lose]) =>
  claimingInHistory(
    `a history that ${how}: readers go by the manifests, nothing is deleted, and claim() builds it anew`,
    async (context) => {
      const { allKeys, events, keys, open, peek } = context
      await storeWithPast(context)
      await lose(context)
      for (const [name, notices, run, gives] of readers) {
        events.length = 0
        assert.deepEqual(await run(await open({ readOnly: true })), gives, name)
        assert.ok(!notices || events.some(({ type }) => type === "history-lost"), `${name} tells no loss`)
      }
      const before = await allKeys()
      const lost = await peek(keys.history)
      const refused = async (name: string, store: CheckpointStore) => {
        const error = await writes[name]?.(store).then(
          () => assert.fail(`${name} succeeded`),
          (reason: { code?: CheckpointErrorCode }) => reason,
        )
        assert.ok(refusals.includes(error?.code as CheckpointErrorCode), `${name}: ${error?.code}`)
        assert.deepEqual(await allKeys(), before, `${name} wrote or removed an object`)
      }
      for (const name of Object.keys(writes)) {
        const store = await open()
        await store.recover()
        await refused(name, store)
      }
      for (const name of deletes) await refused(name, await open())
      assert.deepEqual(await peek(keys.history), lost)
      const leader = await claimed(context)
      assert.ok(leader.epoch > 2)
      const found = await leader.recover()
      assert.deepEqual([found.checkpoint?.id, found.skipped], [12, []])
      const next = await leader.nextId()
      await saveAll(leader, next)
      assert.deepEqual(await listedIds(await open()), [...left, next])
      await leader.pin(10, "kept")
      assert.deepEqual((await leader.prune({ last: 1 })).kept, [10, next])
      assert.deepEqual(await listedIds(await open()), [10, next])
      events.length = 0
      assert.equal(await latestId(await open()), next)
      assert.ok(!events.some(({ type }) => type === "history-lost"))
    },
  ),
)

/** The history is lost while somebody is at work. */
const lossesMeanwhile: Scenario[] = [
  ...Object.entries(losses).map(([how, lose]) =>
    claimingInHistory(
      `a history that ${how} between two saves of a leader: CKPT_CORRUPT, and the next leader goes on`,
      async (context) => {
        await storeWithPast(context)
        const leader = await claimed(context)
        await leader.recover()
        await saveAll(leader, 13)
        await lose(context)
        // The leader may write a manifest before it sees the loss; the loss is then an unknown outcome.
        const error = await leader.save(manifestOf(14)).then(
          () => assert.fail("the save was acknowledged"),
          (reason: { code?: string }) => reason,
        )
        assert.ok(["CKPT_CORRUPT", "CKPT_UNKNOWN_OUTCOME"].includes(error.code ?? ""), error.code)
        await refusal(leader.prune({ last: 1 }), "CKPT_CORRUPT")
        await refusal(leader.pin(13, "late"), "CKPT_CORRUPT")
        const next = await claimed(context)
        const found = await next.recover()
        assert.ok((found.checkpoint?.id ?? 0) >= 13)
        await refusal(leader.save(manifestOf(30)), "CKPT_FENCED")
        await saveAll(next, await next.nextId())
      },
    ),
  ),
  ...Object.entries(losses).map(([how, lose]) =>
    claimingInHistory(
      `a history that ${how} after a prune that could not delete: the next prune of that store deletes nothing`,
      async (context) => {
        const { open, keys } = context
        await saveAll(await open(), 1, 2, 3)
        await saveAll(await claimed(context), 4)
        const on = calls("delete", keys.manifest(1))
        const through = (backend: ObjectBackend) =>
          withFaults(backend, { on, at: "before", error: permanent, times: 1 })
        const leader = await claimed(context, { through })
        await leader.recover()
        const { removed, failures } = await leader.prune({ last: 1 })
        assert.deepEqual([removed, failures.map(({ id }) => id)], [[], [1, 2, 3]])
        await lose(context)
        await refusal(leader.prune({ last: 1 }), "CKPT_CORRUPT")
        const next = await claimed(context)
        // By the manifests alone all four count, and this claim has kept them.
        assert.deepEqual(await listedIds(next), [1, 2, 3, 4])
        const error = await leader.prune({ last: 1 }).then(
          () => assert.fail("a superseded leader has pruned"),
          (reason: { code?: CheckpointErrorCode }) => reason,
        )
        assert.ok(refusals.includes(error.code as CheckpointErrorCode), error.code)
        assert.deepEqual(await listedIds(next), [1, 2, 3, 4])
        assert.equal((await next.recover()).checkpoint?.id, 4)
      },
    ),
  ),
  {
    name: "history: collectOrphans removes nothing by a history that is lost since it began, also what was dead already",
    async run({ open, keys, raw, allKeys }) {
      await saveAll(await open(), 1, 2, 10)
      await (await open()).writeState(5, bytes("an orphan"))
      const on = calls("delete", keys.state(5))
      const failing = await open({ through: (b) => withFaults(b, { on, at: "before", error: permanent, times: 1 }) })
      assert.equal((await failing.collectOrphans({ olderThanMs: 0 })).failures.length, 1)
      const before = (await allKeys()).filter((key) => key !== keys.history)
      // The history goes once it was read, and the manifests are listed, behind the states.
      const read = gate()
      const losing = await open({
        through: (backend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              const answer = await proceed()
              if (key === keys.history) read.open()
              if (call !== "list" || !(answer as ObjectMeta[]).some((one) => one.key === keys.manifest(10)))
                return answer
              await read.passed
              await raw.delete([keys.history])
              return answer
            },
          }),
      })
      await refusal(losing.collectOrphans({ olderThanMs: 0 }), "CKPT_CORRUPT")
      assert.deepEqual(await allKeys(), before)
    },
  },
  {
    name: "history: a plain store whose history is gone deletes and pins nothing until repair(), and then goes on",
    async run({ open, keys, raw, events, allKeys, layout }) {
      const store = await open()
      await saveAll(store, ...range(1, 5))
      await store.pin(1, "kept")
      assert.deepEqual((await store.prune({ last: 2 })).kept, [1, 4, 5])
      await raw.delete([keys.history])
      // A store that saw the history knows; where the pointer says so, every store knows.
      const knowing = layout === "objects" ? [store, await open()] : [store]
      const before = await allKeys()
      for (const one of knowing) {
        await refusal(one.prune({ last: 1 }), "CKPT_CORRUPT")
        await refusal(one.pin(4, "late"), "CKPT_CORRUPT")
        await refusal(one.remove(4), "CKPT_CORRUPT")
        await refusal(one.collectOrphans({ olderThanMs: 0 }), "CKPT_CORRUPT")
        assert.deepEqual(await allKeys(), before)
        assert.deepEqual(await listedIds(one), [1, 4, 5])
        assert.equal((await one.recover()).checkpoint?.id, 5)
      }
      assert.ok(events.some(({ type }) => type === "history-lost"))
      assert.equal(await store.repair(), true)
      assert.equal(await store.repair(), false)
      assert.ok(events.some(({ type }) => type === "history-repaired"))
      await saveAll(await open(), 6)
      const after = await open()
      assert.deepEqual(await after.pins(), [])
      assert.deepEqual((await after.prune({ last: 1 })).kept, [6])
    },
  },
  {
    name: "history: a save of a plain store whose history went while it saved is CKPT_UNKNOWN_OUTCOME, and stands after repair()",
    async run({ open, keys, raw }) {
      const store = await open()
      await saveAll(store, 1)
      await store.pin(1, "kept")
      await raw.delete([keys.history])
      const manifest = manifestOf(2)
      await refusal(store.save(manifest), "CKPT_UNKNOWN_OUTCOME", 2)
      assert.equal(await store.repair(), true)
      assert.equal((await store.save(manifest)).outcome, "existed")
      assert.equal((await (await open()).recover()).checkpoint?.id, 2)
    },
  },
]

export const lossScenarios: readonly Scenario[] = [...lossesOfHistory, ...lossesMeanwhile]
