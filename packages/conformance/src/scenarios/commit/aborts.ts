import assert from "node:assert/strict"
import { getEventListeners } from "node:events"
import type { CheckpointStore } from "@ckpt/core"
import type { Scenario } from "../../harness/scenario.js"
import { never, until } from "../../harness/waiting.js"
import { operations, withSignal } from "../operations.js"
import { assertRecovers, bytes, manifestOf, rejection, saveAll } from "../support.js"
import { hangingOn } from "./timeouts.js"

const chunked = async function* () {
  for (const text of ["a", "b", "c"]) yield bytes(text)
}

/** What else takes a signal: calls that fail, readers that are left early, and operations on pins. */
const others: Readonly<Record<string, (store: CheckpointStore, signal: AbortSignal) => Promise<unknown>>> = {
  "save of a stream": (store, signal) => store.save(manifestOf(5), { state: chunked(), signal }),
  "save that is refused": (store, signal) => rejection(store.save(manifestOf(2), { state: bytes("another"), signal })),
  pin: (store, signal) => store.pin(2, "p", { signal }),
  pins: (store, signal) => store.pins({ signal }),
  unpin: (store, signal) => store.unpin("p", { signal }),
  restore: (store, signal) => store.restore(async (one) => (await one.state())?.bytes(), { signal }),
  "a reader that is left": async (store, signal) => {
    const reader = await store.readState(2, { signal })
    for await (const _ of reader ?? []) break
  },
  "a list that is left": async (store, signal) => {
    for await (const _ of store.list({ signal })) break
  },
}

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
    name: "abort: no operation leaves a listener on a signal that lives on",
    async run({ open, settled }) {
      const store = await open({ retain: { last: 100 } })
      await saveAll(store, 1, 2)
      const { signal } = new AbortController()
      const ofIds = Object.entries(operations).map(
        ([name, run]) => [name, () => run(withSignal(store, signal))] as const,
      )
      const rest = Object.entries(others).map(([name, run]) => [name, () => run(store, signal)] as const)
      for (const [name, run] of [...rest, ...ofIds]) {
        await run()
        await store.ids()
        await settled()
        assert.equal(getEventListeners(signal, "abort").length, 0, name)
      }
    },
  },
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
