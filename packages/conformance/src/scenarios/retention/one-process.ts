import assert from "node:assert/strict"
import { calls, heldCall, intercept, withoutCommit } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { gate } from "../../harness/waiting.js"
import { assertRecovers, bytes, listedIds, manifestOf, readAll, refusal, saveAll, stateText } from "../support.js"

/** True if something orders two stores of this process: the pointer, or else that the backend names its storage. */
const isOrdered = ({ layout, raw }: ScenarioContext) => layout === "objects" || raw.identity !== undefined

/** A scenario of two stores on one storage, in one process. */
function twoStores(name: string, run: (context: ScenarioContext) => Promise<void>): Scenario {
  return {
    name: `two stores in one process: ${name}`,
    async run(context) {
      if (isOrdered(context)) await run(context)
    },
  }
}

/** Whether the promise has settled by now. */
function watched<T>(promise: Promise<T>): { promise: Promise<T>; isOver(): boolean } {
  let over = false
  promise.then(
    () => (over = true),
    () => (over = true),
  )
  return { promise, isOver: () => over }
}

const same = { state: bytes(stateText(2)) }

export const oneProcessScenarios: readonly Scenario[] = [
  twoStores("a pin while the other one prunes is refused, and never holds what is gone", async (context) => {
    const { open, keys, layout, settled } = context
    const pruning = heldCall(calls("delete", keys.manifest(1)))
    const store = await open({ through: pruning.through })
    const other = await open()
    await saveAll(other, 1, 2, 3)
    const report = store.prune({ last: 1 })
    await pruning.reached
    const pinning = watched(other.pin(1, "late"))
    await settled()
    assert.equal(layout === "directory" && pinning.isOver(), false)
    pruning.release()
    await refusal(pinning.promise, "CKPT_NOT_FOUND")
    assert.deepEqual((await report).removed, [1, 2])
    assert.deepEqual([await other.pins(), await other.ids()], [[], [3]])
  }),
  twoStores("a pin while the other one removes is refused, and never holds what is gone", async (context) => {
    const { open, keys, settled } = context
    const removing = heldCall(calls("delete", keys.manifest(1)))
    const store = await open({ through: removing.through })
    const other = await open()
    await saveAll(other, 1, 2)
    const removed = store.remove(1)
    await removing.reached
    const pinning = watched(other.pin(1, "late"))
    await settled()
    removing.release()
    await refusal(pinning.promise, "CKPT_NOT_FOUND")
    assert.equal(await removed, true)
    assert.deepEqual(await other.pins(), [])
  }),
  twoStores("a removal while the other one pins waits, and finds the pin", async ({ open, layout, settled }) => {
    const pinning = heldCall(({ call, key }) => call === "put" && key.includes("pins/"))
    const store = await open({ through: pinning.through })
    const other = await open()
    await saveAll(other, 1, 2)
    const pinned = store.pin(1, "first")
    await pinning.reached
    const removing = watched(other.remove(1))
    await settled()
    assert.equal(layout === "directory" && removing.isOver(), false)
    pinning.release()
    await pinned
    await refusal(removing.promise, "CKPT_INVALID")
    assert.deepEqual(await other.ids(), [1, 2])
  }),
  ...(["with its state", "of a state that was written ahead"] as const).map((how) =>
    twoStores(`a save ${how} while the other one collects that state is refused`, async (context) => {
      const { open, keys, layout, settled } = context
      const store = await open()
      await store.writeState(2, same.state)
      await saveAll(store, 5)
      const collecting = heldCall(calls("delete", keys.state(2)))
      const other = await open({ through: collecting.through })
      const report = other.collectOrphans({ olderThanMs: 0 })
      await collecting.reached
      const saving = watched(store.save(manifestOf(2), how === "with its state" ? same : {}))
      await settled()
      assert.equal(layout === "directory" && saving.isOver(), false)
      collecting.release()
      await refusal(saving.promise, layout === "objects" ? "CKPT_CONFLICT" : "CKPT_IO", 2)
      assert.ok((await report).removed.includes(keys.state(2)))
      assert.deepEqual(await listedIds(store), [5])
      if (layout === "objects") return
      await store.save(manifestOf(2), same)
      assert.equal((await store.verify(2)).valid, true)
    }),
  ),
  twoStores("a save while the other one has removed the manifest and not yet the state is refused", async (context) => {
    const { open, keys, layout, settled } = context
    const removing = heldCall(calls("delete", keys.state(2)))
    const other = await open({ through: removing.through })
    const store = await open({ through: withoutCommit })
    const manifest = manifestOf(2)
    await store.save(manifest, same)
    await saveAll(store, 5)
    const removed = other.remove(2)
    await removing.reached
    const saving = watched(store.save(manifest, same))
    await settled()
    assert.equal(layout === "directory" && saving.isOver(), false)
    removing.release()
    await refusal(saving.promise, layout === "objects" ? "CKPT_CONFLICT" : "CKPT_IO", 2)
    assert.equal(await removed, true)
    assert.deepEqual(await listedIds(store), [5])
  }),
  twoStores("a save whose new state is collected before its manifest is there is refused", async (context) => {
    const { open, keys, layout } = context
    const written = gate()
    const answered = gate()
    const store = await open({
      through: (backend) =>
        intercept(withoutCommit(backend), {
          async around({ call, key }, proceed) {
            const answer = await proceed()
            if (call !== "put" || key !== keys.state(2)) return answer
            written.open()
            await answered.passed
            return answer
          },
        }),
    })
    const other = await open()
    await saveAll(other, 5)
    const saving = store.save(manifestOf(2), same)
    await written.passed
    assert.ok((await other.collectOrphans({ olderThanMs: 0 })).removed.includes(keys.state(2)))
    // A state of other bytes is there instead.
    await other.writeState(2, bytes(stateText(3)))
    answered.open()
    await refusal(saving, layout === "objects" ? "CKPT_CONFLICT" : "CKPT_IO", 2)
    assert.deepEqual(await listedIds(other), [5])
  }),
  twoStores("a collection while the other one is about to write the manifest leaves the state", async (context) => {
    const { open, keys, layout, settled } = context
    const writing = heldCall(calls("put", keys.manifest(2)))
    const store = await open({ through: writing.through })
    await store.writeState(2, same.state)
    await saveAll(store, 5)
    const saving = store.save(manifestOf(2), same)
    await writing.reached
    const other = await open()
    const collecting = watched(other.collectOrphans({ olderThanMs: 0 }))
    await settled()
    // With a floor the collection does not wait, and the save is refused.
    assert.equal(collecting.isOver(), layout === "objects")
    writing.release()
    if (layout === "objects") {
      await refusal(saving, "CKPT_CONFLICT", 2)
      return
    }
    assert.equal((await saving).outcome, "created")
    assert.deepEqual((await collecting.promise).removed, [])
    assert.equal(await readAll(await store.readState(2)), stateText(2))
    await assertRecovers(store, 5)
  }),
  twoStores("a call that waits for the other one ends with its signal", async ({ open, keys, layout }) => {
    if (layout === "objects") return
    const removing = heldCall(calls("delete", keys.manifest(1)))
    const store = await open({ through: removing.through })
    const other = await open()
    await saveAll(other, 1, 2, 3)
    const removed = store.remove(1)
    await removing.reached
    const aborting = new AbortController()
    const pinning = other.pin(1, "given-up", { signal: aborting.signal })
    aborting.abort(new Error("no time"))
    await assert.rejects(pinning, /no time/)
    removing.release()
    assert.equal(await removed, true)
    assert.deepEqual(await other.pins(), [])
  }),
]
