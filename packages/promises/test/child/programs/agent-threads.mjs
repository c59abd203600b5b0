// Checks of what the README of @ckpt/langgraph promises of threads that are copied, pruned and removed.
import assert from "node:assert/strict"
import { BackendError } from "@ckpt/fs"
import { CkptSaver } from "@ckpt/langgraph"
import { MemoryBackend } from "@ckpt/memory"
import { cutEverywhere, dayMs, first, ids, keys, large, put, thread, threeSteps, watched } from "./agent-support.mjs"

/** @typedef {import("@ckpt/fs").ObjectBackend} ObjectBackend */

export const threadPrograms = {
  "a copy that breaks off is the beginning of the thread, and the same call completes it": () =>
    cutEverywhere(
      threeSteps,
      (saver) => saver.copyThread("t", "copy"),
      async (saver) => {
        const copied = await ids(saver, "copy")
        assert.deepEqual(copied, ["3", "2", "1"].slice(3 - copied.length))
        assert.equal(await saver.copyThread("t", "copy"), 3)
        const [one, other] = [await saver.getTuple(thread()), await saver.getTuple(thread("copy"))]
        assert.deepEqual([other?.checkpoint, other?.pendingWrites], [one?.checkpoint, one?.pendingWrites])
      },
    ),

  "a deletion that breaks off leaves the latest checkpoint until the others are gone": () =>
    cutEverywhere(
      threeSteps,
      (saver) => saver.deleteThread("t"),
      async (saver, isDone) => {
        const found = await ids(saver)
        if (isDone) assert.deepEqual(found, [])
        if (found.length > 0) assert.equal(found[0], "3")
        await saver.deleteThread("t")
        assert.deepEqual(await ids(saver), [])
      },
    ),

  "a prune leaves the latest, what it is made from, and pieces that are young": async () => {
    const backend = new MemoryBackend()
    const saver = new CkptSaver({ backend })
    const config = await threeSteps(saver)
    await put(saver, config, "4", {}, { counters_since_delta_snapshot: { messages: [1, 1] } })
    const values = await keys(backend, "v/")
    assert.deepEqual((await saver.pruneThread("t", { last: 1 })).removed, ["2", "1"])
    assert.deepEqual(await ids(saver), ["4", "3"])
    assert.deepEqual(await keys(backend, "v/"), values)
  },

  "with retain a thread does not grow for ever": async () => {
    const backend = new MemoryBackend()
    const saver = new CkptSaver({ backend, retain: { last: 3 }, random: () => 0.5 })
    let config = thread()
    for (let id = 100; id < 220; id++) config = await put(saver, config, String(id), { id })
    await saver.close()
    const found = await ids(new CkptSaver({ backend }))
    assert.equal(found[0], "219")
    assert.ok(found.length < 60, `it has ${found.length} checkpoints`)
  },

  "a prune of retain that fails is told, and fails no put": async () => {
    let failures = 0
    const denied = watched(new MemoryBackend(), (call, key) => {
      if (call === "delete" && !key.includes(".ckpt-probe")) throw new BackendError("denied", "no deletions")
    })
    const onEvent = (/** @type {{ type: string }} */ { type }) => type === "retention-failed" && failures++
    const saver = new CkptSaver({
      backend: denied,
      retain: { last: 1 },
      random: () => 0,
      retry: { attempts: 1 },
      onEvent,
    })
    for (const id of ["1", "2", "3"]) await put(saver, thread(), id, {})
    await saver.close()
    assert.equal(failures, 1)
  },

  "threads that are idle go, with pieces that are four days old; what a run stores meanwhile stays": async () => {
    let day = 0
    const now = () => first + day * dayMs
    const clock = { now, monotonic: () => performance.now(), sleep: async () => {} }
    const backend = new MemoryBackend({ now })
    const open = (/** @type {ObjectBackend} */ on = backend) => new CkptSaver({ backend: on, clock })
    await threeSteps(open())
    await put(open(), thread("other"), "1", { text: large("text") })
    day += 30
    await put(open(), thread("other"), "2", {})
    let isNext = true
    const beside = watched(backend, async (call, key) => {
      if (call !== "delete" || !key.startsWith("c/t/") || !isNext) return
      isNext = false
      await put(open(), thread(), "4", { text: large("4") })
    })
    assert.deepEqual(await open(beside).expireThreads({ idleMs: 20 * dayMs }), [])
    assert.deepEqual(await ids(open()), ["4", "3"])
    day += 1
    assert.deepEqual(await open().expireThreads({ idleMs: dayMs / 2 }), ["other", "t"])
    // The value of yesterday: a run that has read the thread may name it again.
    assert.ok((await keys(backend, "v/")).length > 0)
    day += 3
    assert.deepEqual(await open().expireThreads({ idleMs: dayMs / 2 }), [])
    assert.deepEqual(await keys(backend), [])
  },
}
