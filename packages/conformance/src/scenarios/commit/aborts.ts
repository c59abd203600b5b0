import assert from "node:assert/strict"
import type { Scenario } from "../../harness/scenario.js"
import { never, until } from "../../harness/waiting.js"
import { operations, withSignal } from "../operations.js"
import { assertRecovers, bytes, manifestOf, rejection, saveAll } from "../support.js"
import { hangingOn } from "./timeouts.js"

/** Aborts of operations under way. retries.ts has the aborts before the first request. */
export const abortScenarios: readonly Scenario[] = [
  ...Object.entries(operations).map(
    ([name, run]): Scenario => ({
      name: `abort: ${name} in the middle of a request rejects at once with the signal's own reason`,
      async run(context) {
        const hanging = await hangingOn(context, () => true)
        const abort = new AbortController()
        const reason = new Error("enough")
        const running = run(withSignal(hanging.store, abort.signal))
        running.catch(() => {})
        await until(() => hanging.hung.length > 0, "the request")
        abort.abort(reason)
        assert.equal(await rejection(running), reason)
        // Requests in the background end by their own time-outs, and then the store closes.
        let closed = false
        const closing = hanging.store.close().then(() => (closed = true))
        for (let minutes = 0; !closed && minutes < 100; minutes++) await hanging.clock.advance(60_000)
        await closing
        await assertRecovers(await context.open(), 2)
      },
    }),
  ),
  {
    name: "abort: a save that awaits its source rejects with the signal's own reason and writes no manifest",
    async run({ open, allKeys }) {
      const abort = new AbortController()
      const reason = new Error("enough")
      let released = false
      async function* source() {
        try {
          yield bytes("first")
          abort.abort(reason)
          await never()
        } finally {
          released = true
        }
      }
      const store = await open()
      assert.equal(await rejection(store.save(manifestOf(1), { state: source(), signal: abort.signal })), reason)
      assert.deepEqual(await store.ids(), [])
      assert.deepEqual((await store.recover()).outcome, "fresh")
      assert.ok(!(await allKeys()).some((key) => key.includes("manifest")))
      assert.equal(released, false)
      await saveAll(store, 2)
      await assertRecovers(store, 2)
    },
  },
]
