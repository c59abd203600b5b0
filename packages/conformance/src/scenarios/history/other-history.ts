import assert from "node:assert/strict"
import type { StoreOperations } from "@ckpt/core"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { historyAtRest, historyBytes, listedIds, manifestOf, range, refusal, saveAll } from "../support.js"
import { claimed, claimingInHistory } from "./claim-support.js"

/** Puts a sound history of another lineage in the place of the one that is there, as if another disk were mounted. */
async function plantOther(context: ScenarioContext): Promise<Uint8Array> {
  await context.plant(
    context.keys.history,
    historyBytes({ ...(await historyAtRest(context)), lineage: "b".repeat(32), token: "c".repeat(32) }),
  )
  return (await context.peek(context.keys.history)) as Uint8Array
}

/** Whatever a writer changes besides a save, on checkpoints 1 to 4, of which 1 is pinned. */
const changes: Readonly<Record<string, (store: StoreOperations) => Promise<unknown>>> = {
  update: (store) => store.update(4, (current) => ({ ...current, epoch: 99 })),
  pin: (store) => store.pin(3, "late"),
  unpin: (store) => store.unpin("kept"),
  remove: (store) => store.remove(2),
  prune: (store) => store.prune({ last: 1 }),
  collectOrphans: (store) => store.collectOrphans({ olderThanMs: 0 }),
}

/** A store that knows a history meets another one: it changes and removes nothing, and says what to do. */
async function meetsOther(context: ScenarioContext, store: StoreOperations): Promise<void> {
  const { allKeys, keys, peek } = context
  const other = await plantOther(context)
  // It knows only once its manifest is there: the history that is remembered let the save begin.
  await refusal(store.save(manifestOf(5)), "CKPT_UNKNOWN_OUTCOME", 5)
  const before = await allKeys()
  const later = { save: (one: StoreOperations) => one.save(manifestOf(6)), ...changes }
  for (const [name, run] of Object.entries(later)) {
    const { message } = await refusal(run(store), "CKPT_CORRUPT")
    assert.match(message, /another history .* open a new store/, name)
    assert.deepEqual(await allKeys(), before, name)
  }
  assert.deepEqual(await peek(keys.history), other)
}

export const otherHistoryScenarios: readonly Scenario[] = [
  {
    name: "history: a plain store that finds a history of another lineage writes no more, and a store that is opened anew does",
    async run(context) {
      const { open } = context
      const store = await open()
      await saveAll(store, ...range(1, 4))
      await store.pin(1, "kept")
      await meetsOther(context, store)
      assert.equal(await store.repair(), false)
      const anew = await open()
      await saveAll(anew, 6)
      assert.deepEqual((await anew.prune({ last: 1 })).kept, [1, 6])
      await refusal(store.save(manifestOf(7)), "CKPT_CORRUPT")
    },
  },
  {
    name: "history: a plain store of before a repair() writes no more until it is opened anew",
    async run({ open, plant, keys, peek }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await store.pin(1, "kept")
      await plant(keys.history, "garbled")
      assert.equal(await (await open()).repair(), true)
      const repaired = await peek(keys.history)
      const { message } = await refusal(store.prune({ last: 1 }), "CKPT_CORRUPT")
      assert.match(message, /another process built the history anew/)
      assert.deepEqual(await peek(keys.history), repaired)
      assert.deepEqual((await (await open()).prune({ last: 1 })).removed, [1, 2])
    },
  },
  claimingInHistory(
    "a leader that finds a history of another lineage writes and recovers no more, whoever leads there",
    async (context) => {
      const leader = await claimed(context)
      await saveAll(leader, ...range(1, 4))
      await leader.pin(1, "kept")
      await meetsOther(context, leader)
      await refusal(leader.recover(), "CKPT_CORRUPT")
      const next = await claimed(context)
      assert.ok(next.epoch > leader.epoch)
      await next.recover()
      await saveAll(next, await next.nextId())
      assert.deepEqual((await next.prune({ last: 1 })).kept, await listedIds(await context.open()))
    },
  ),
]
