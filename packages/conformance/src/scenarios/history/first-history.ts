import assert from "node:assert/strict"
import type { CheckpointStore } from "@ckpt/core"
import { type CallInfo, calls, permanent, withFaults } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { bytes, listedIds, refusal, saveAll } from "../support.js"
import { claimingInHistory } from "./claim-support.js"

/**
 * A plain store that has read that there is no history. Another store has made one since, and it is lost. Only the pointer can say so,
 * and only in the layout "objects".
 */
async function storeOfBefore({ open, keys, raw, events }: ScenarioContext): Promise<CheckpointStore> {
  await saveAll(await open(), 1, 3)
  const store = await open()
  await store.recover()
  assert.deepEqual((await store.prune({ last: 9 })).removed, [])
  const other = await open()
  await other.writeState(2, bytes("an orphan"))
  await saveAll(other, 4, 5)
  await other.pin(1, "kept")
  await raw.delete([keys.history])
  events.length = 0
  return store
}

/** Calls that change the history of a plain store, and would make the first one. */
const makers: Readonly<Record<string, (store: CheckpointStore) => Promise<unknown>>> = {
  prune: (store) => store.prune({ last: 1 }),
  remove: (store) => store.remove(1),
  pin: (store) => store.pin(4, "late"),
  collectOrphans: (store) => store.collectOrphans({ olderThanMs: 0 }),
}

/** A first history is made only if there was none: the pointer says so. */
export const firstHistoryScenarios: readonly Scenario[] = [
  ...Object.entries(makers).map(
    ([name, make]): Scenario => ({
      name: `history: it was made and lost after a store had read that there is none: ${name} of that store makes no other one in its place`,
      layout: "objects",
      async run(context) {
        const store = await storeOfBefore(context)
        const before = await context.allKeys()
        await refusal(make(store), "CKPT_CORRUPT")
        assert.deepEqual(await context.allKeys(), before)
      },
    }),
  ),
  ...Object.entries(makers).map(
    ([name, make]): Scenario => ({
      name: `history: ${name} makes no first one while the pointer cannot be read, and does once it can`,
      layout: "objects",
      async run({ open, keys, raw, peek, allKeys }) {
        await saveAll(await open(), 1, 3, 4)
        await (await open()).writeState(2, bytes("an orphan"))
        // The pointer was read until now.
        let isBroken = false
        const on = (info: CallInfo) => isBroken && calls("get", keys.pointer)(info)
        const store = await open({ through: (b) => withFaults(b, { on, at: "before", error: permanent }) })
        await store.recover()
        isBroken = true
        const before = await allKeys()
        await refusal(make(store), "CKPT_IO")
        assert.deepEqual(await allKeys(), before)
        isBroken = false
        await make(store)
        assert.ok(await peek(keys.history))
        assert.ok((await raw.head(keys.manifest(4))) !== undefined)
      },
    }),
  ),
  {
    name: "history: it was made and lost after a store had read that there is none: repair() of that store builds it anew",
    layout: "objects",
    async run(context) {
      assert.equal(await (await storeOfBefore(context)).repair(), true)
      assert.ok(context.events.some(({ type }) => type === "history-repaired"))
      assert.deepEqual(await listedIds(await context.open()), [1, 3, 4, 5])
    },
  },
  {
    ...claimingInHistory(
      "it was made and lost after a store had read that there is none: the claim of that store says so, and keeps all",
      async (context) => {
        const leader = await (await storeOfBefore(context)).claim()
        assert.ok(context.events.some(({ type }) => type === "history-lost"))
        assert.deepEqual(await listedIds(leader), [1, 3, 4, 5])
        assert.equal((await leader.recover()).checkpoint?.id, 5)
      },
    ),
    layout: "objects",
  },
]
