import assert from "node:assert/strict"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import {
  bytes,
  historyAtRest,
  historyBytes,
  legacyManifest,
  listAll,
  listedIds,
  manifestOf,
  pointerTo,
  range,
  refusal,
  saveAll,
  stateText,
} from "../support.js"
import { claimed, claiming, claimingInHistory, latestId } from "./claim-support.js"

/** A save of the reference: state, manifest, and a pointer of its own, without our fields. */
async function referenceSaves({ keys, layout, plant }: ScenarioContext, id: number): Promise<void> {
  await plant(keys.state(id), stateText(id))
  await plant(keys.manifest(id), legacyManifest(id))
  await plant(keys.pointer, pointerTo(layout, id))
}

/** The reference writes beside us. It knows no history, and rewrites the pointer. Nothing of ours is lost but what it deletes. */
const beside: Scenario[] = [
  {
    name: "the reference beside us: it saves, and our pins, our floor and our checkpoints stay",
    async run(context) {
      const { keys, open } = context
      const store = await open()
      await saveAll(store, ...range(1, 5))
      await store.pin(1, "kept")
      assert.deepEqual((await store.prune({ last: 2 })).kept, [1, 4, 5])
      await referenceSaves(context, 6)
      const other = await open()
      assert.deepEqual([await latestId(other), await listedIds(other)], [6, [1, 4, 5, 6]])
      assert.deepEqual(await other.pins(), [{ name: "kept", id: 1 }])
      await refusal(other.save(manifestOf(2)), "CKPT_CONFLICT", 2)
      await saveAll(store, 7)
      assert.deepEqual((await other.prune({ last: 2 })).kept, [1, 6, 7])
      assert.equal((await historyAtRest(context))["floor"], 5)
      assert.ok(!(await context.allKeys()).includes(keys.manifest(5)))
    },
  },
  claiming(
    "the reference beside us: what it saves beside a leader does not count, and the leader goes on",
    async (context) => {
      const { keys, open, layout, peek, plant } = context
      await saveAll(await open(), 1)
      const leader = await claimed(context)
      await saveAll(leader, 2)
      await referenceSaves(context, 3)
      const reader = await open()
      assert.deepEqual([await latestId(reader), await listedIds(reader)], [2, [1, 2]])
      const found = await reader.recover()
      assert.equal(found.checkpoint?.id, 2)
      await saveAll(leader, await leader.nextId())
      assert.deepEqual(await listedIds(leader), [1, 2, 4])
      // It rewrites one of ours as it read it, with a pointer of its own.
      await plant(keys.manifest(2), (await peek(keys.manifest(2))) as Uint8Array)
      await plant(keys.pointer, pointerTo(layout, 2))
      assert.equal(await latestId(await open()), 4)
      await saveAll(leader, 5)
      assert.deepEqual(await listedIds(await open()), [1, 2, 4, 5])
    },
  ),
  claiming(
    "the reference beside us: its prune takes our oldest, and the rest is recovered, claimed and pruned",
    async (context) => {
      const { keys, open, raw } = context
      const leader = await claimed(context)
      await saveAll(leader, ...range(1, 5))
      await leader.pin(3, "kept")
      await raw.delete([1, 2, 3].flatMap((id) => [keys.manifest(id), keys.state(id)]))
      const reader = await open()
      const found = await reader.recover()
      assert.deepEqual([found.checkpoint?.id, found.skipped], [5, []])
      assert.deepEqual(await listedIds(reader), [4, 5])
      await leader.release()
      const next = await claimed(context)
      assert.deepEqual([(await next.recover()).checkpoint?.id, await next.pins()], [5, [{ name: "kept", id: 3 }]])
      await saveAll(next, 6)
      assert.deepEqual((await next.prune({ last: 1 })).removed, [4, 5])
    },
  ),
  claimingInHistory(
    "the reference beside us: it rewrote the pointer, and the history is gone: whoever reads a manifest of ours notices",
    async (context) => {
      const { events, keys, open, raw } = context
      const leader = await claimed(context)
      await saveAll(leader, 1, 2)
      await referenceSaves(context, 3)
      await raw.delete([keys.history])
      // A reader of the newest manifest alone, which is of the reference, sees a store of the reference.
      assert.equal(await latestId(await open()), 3)
      assert.deepEqual(await listedIds(await open()), [1, 2])
      assert.ok(events.some(({ type }) => type === "history-lost"))
      await refusal((await open()).prune({ last: 1 }), "CKPT_CORRUPT")
      await refusal(leader.pin(1, "late"), "CKPT_CORRUPT")
      const next = await claimed(context)
      assert.equal((await next.recover()).checkpoint?.id, 2)
      assert.ok(next.epoch > leader.epoch)
    },
  ),
]

/** A lost pointer, and whatever else a store does then. */
const pointers: Scenario[] = (
  [
    ["gone", ({ raw, keys }) => raw.delete([keys.pointer])],
    ["garbled", ({ plant, keys }) => plant(keys.pointer, "{")],
    ["too large", ({ plant, keys }) => plant(keys.pointer, "x".repeat(70_000))],
    ["back at the first checkpoint", ({ plant, keys, layout }) => plant(keys.pointer, pointerTo(layout, 1))],
  ] as [string, (context: ScenarioContext) => Promise<unknown>][]
).map(([how, spoil]) =>
  claimingInHistory(
    `a pointer that is ${how}: pins, prune, collection and claims lose no acknowledged checkpoint`,
    async (context) => {
      const { open, events } = context
      const plain = await open()
      const leader = await plain.claim()
      await saveAll(leader, ...range(1, 10))
      await spoil(context)
      assert.equal(await latestId(await open()), 10)
      await refusal((await open()).pin(4, "release"), "CKPT_FENCED")
      await leader.pin(4, "release")
      assert.deepEqual(await (await open()).ids(), range(1, 10))
      await spoil(context)
      const next = await plain.claim()
      assert.equal((await next.recover()).checkpoint?.id, 10)
      await saveAll(next, 20)
      await spoil(context)
      assert.deepEqual((await next.prune({ last: 2 })).kept, [4, 10, 20])
      await spoil(context)
      await next.collectOrphans({ olderThanMs: 0 })
      const found = await (await open()).recover()
      assert.deepEqual([found.checkpoint?.id, found.skipped], [20, []])
      assert.ok(!events.some(({ type }) => type === "history-lost"))
    },
  ),
)

const garbling: readonly [string, string][] = [
  ["garbled", "garbled"],
  ["empty", ""],
  ["of another checkpoint", legacyManifest(77)],
  ["of a newer version", legacyManifest(5, { version: 99 })],
  ["deep JSON", "[".repeat(5_000)],
]

/** Damage of each kind, then a claim: no damage makes a store unclaimable. */
const damages: Scenario[] = garbling.flatMap(([kind, content]) =>
  (["the newest", "every"] as const).map((which) =>
    claimingInHistory(
      `${which} manifest is ${kind}: the store can be claimed, and the damage is told`,
      async (context) => {
        const { keys, open, plant } = context
        await saveAll(await open(), ...range(1, 5))
        const damaged = which === "every" ? range(1, 5) : [5]
        for (const id of damaged) await plant(keys.manifest(id), content)
        const leader = await claimed(context)
        const found = await leader.recover()
        assert.equal(found.outcome, which === "every" ? "exhausted" : "recovered")
        assert.equal(found.checkpoint?.id, which === "every" ? undefined : 4)
        assert.deepEqual(
          found.skipped.map(({ id }) => id),
          [...damaged].reverse(),
        )
        assert.equal(found.nextId, 6)
        await saveAll(leader, 6)
        assert.equal((await leader.recover()).checkpoint?.id, 6)
        // Damage above what a policy keeps stays; everything else goes.
        await leader.prune({ last: 1 })
        assert.equal(await latestId(await open()), 6)
        const next = await claimed(context)
        assert.equal((await next.recover()).checkpoint?.id, 6)
      },
    ),
  ),
)

const others: Scenario[] = [
  claiming(
    "a leader whose sources are slow or fail: later saves are not held up, and a free id stays free",
    async (context) => {
      const leader = await claimed(context)
      async function* failing() {
        yield bytes("some")
        throw new Error("the source broke")
      }
      await assert.rejects(leader.save(manifestOf(1), { state: failing() }), /the source broke/)
      await saveAll(leader, 2)
      await saveAll(leader, 1)
      assert.deepEqual(await listedIds(await context.open()), [1, 2])
    },
  ),
  {
    name: "history: what it keeps is written in ranges, so that thousands of checkpoints fit",
    async run(context) {
      const store = await context.open()
      await saveAll(store, ...range(1, 30))
      await store.pin(7, "kept")
      await store.prune({ last: 10, every: 15 })
      const { floor, kept, top } = await historyAtRest(context)
      assert.deepEqual([floor, kept, top], [20, "7 15", 30])
      assert.deepEqual(
        (await listAll(await context.open())).map(({ id }) => id),
        [7, 15, ...range(21, 30)],
      )
    },
  },
  {
    name: "history: a history of a newer release is CKPT_UNSUPPORTED for every reader and writer, and stays",
    async run(context) {
      const { keys, open, peek, plant } = context
      const store = await open()
      await saveAll(store, 1, 2)
      await store.pin(1, "kept")
      const newer = historyBytes({ ...(await historyAtRest(context)), version: 2 })
      await plant(keys.history, newer)
      const other = await open()
      await refusal(other.recover(), "CKPT_UNSUPPORTED")
      await refusal(other.loadLatest(), "CKPT_UNSUPPORTED")
      await refusal(other.save(manifestOf(3)), "CKPT_UNSUPPORTED")
      await refusal(other.prune({ last: 1 }), "CKPT_UNSUPPORTED")
      await refusal(other.repair(), "CKPT_UNSUPPORTED")
      assert.equal(new TextDecoder().decode(await peek(keys.history)), newer)
    },
  },
]

export const neighbourScenarios: readonly Scenario[] = [...beside, ...pointers, ...damages, ...others]
