import assert from "node:assert/strict"
import type { CheckpointStore, ObjectBackend, ObjectContent } from "@ckpt/core"
import { ManualClock } from "../../harness/clocks.js"
import { intercept } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { gate, never, nextTurn, until } from "../../harness/waiting.js"
import { bytes, manifestOf, range, readAll, refusal, rejection, saveAll, stateText } from "../support.js"

/** What a storage is busy with. A failed call goes on for some turns, as one that removes what it had begun. */
class Busy {
  /** Calls that have not ended, and bodies that were neither read to their end nor closed. */
  underWay = 0
  calls = 0
  /** Runs before each call, with the call's number. */
  before: (call: number) => void = () => {}

  readonly through = (backend: ObjectBackend): ObjectBackend =>
    intercept(backend, {
      around: async (_, proceed) => {
        this.before(++this.calls)
        this.underWay++
        try {
          return this.#answer(await proceed())
        } catch (error) {
          for (let turn = 0; turn < 10; turn++) await nextTurn()
          throw error
        } finally {
          this.underWay--
        }
      },
    })

  #answer(answer: unknown): unknown {
    if (typeof answer !== "object" || answer === null || !("body" in answer)) return answer
    const content = answer as ObjectContent
    const chunks = content.body[Symbol.asyncIterator]()
    this.underWay++
    let isOpen = true
    const close = () => {
      if (isOpen) this.underWay--
      isOpen = false
    }
    const next = async () => {
      try {
        const step = await chunks.next()
        if (step.done) close()
        return step
      } catch (error) {
        close()
        throw error
      }
    }
    const end = async () => {
      await chunks.return?.()
      for (let turn = 0; turn < 10; turn++) await nextTurn()
      close()
      return { done: true as const, value: undefined }
    }
    return { ...content, body: { [Symbol.asyncIterator]: () => ({ next, return: end }) } }
  }
}

/** Asserts that the storage is not busy, and that no call has come since. */
async function assertQuiet({ settled }: ScenarioContext, busy: Busy, calls: number): Promise<void> {
  assert.equal(busy.underWay, 0)
  await settled()
  assert.deepEqual([busy.underWay, busy.calls], [0, calls])
}

async function closed(context: ScenarioContext, store: CheckpointStore, busy: Busy): Promise<void> {
  await store.close()
  await assertQuiet(context, busy, busy.calls)
}

const large = () => new Uint8Array(5_000_000).fill(7)

/** Operations that write, and those that read a body, on checkpoints `id` to `id + 2`. `id` is pinned as `pin-<id>`. */
const onIds: Readonly<Record<string, (store: CheckpointStore, id: number, signal: AbortSignal) => Promise<unknown>>> = {
  save: (store, id, signal) => store.save(manifestOf(id + 3), { state: bytes(stateText(id)), signal }),
  update: (store, id, signal) => store.update(id + 2, (current) => ({ ...current, epoch: id + 9 }), { signal }),
  pin: (store, id, signal) => store.pin(id + 1, `next-${id}`, { signal }),
  unpin: (store, id, signal) => store.unpin(`pin-${id}`, { signal }),
  remove: (store, id, signal) => store.remove(id + 1, { signal }),
  prune: (store, _, signal) => store.prune({ last: 1 }, { signal }),
  collectOrphans: (store, _, signal) => store.collectOrphans({ olderThanMs: 0, signal }),
  recover: (store, _, signal) => store.recover({ signal }),
  readState: async (store, id, signal) => (await store.readState(id + 2, { signal }))?.bytes(),
}

const unanswered: Readonly<Record<string, (store: CheckpointStore, signal: AbortSignal) => Promise<unknown>>> = {
  load: (store, signal) => store.load(1, { signal }),
  update: (store, signal) => store.update(1, (current) => current, { signal }),
  // A claim of the backend's own is one call, without a time-out.
  claim: (store, signal) => store.claim({ signal }),
}

/** `close()`: what it waits for, and what it refuses. */
export const closingScenarios: readonly Scenario[] = [
  ...Object.entries(onIds).map(
    ([name, run]): Scenario => ({
      name: `close: ${name} that is aborted at any call has ended, clean-up included, once close resolves`,
      async run(context) {
        const plain = await context.open()
        let points = 0
        for (let at = 1; points === at - 1; at++) {
          const id = at * 10
          await saveAll(plain, id, id + 1, id + 2)
          await plain.pin(id, `pin-${id}`)
          const busy = new Busy()
          const abort = new AbortController()
          busy.before = (call) => {
            if (call !== at) return
            points++
            abort.abort(new Error("enough"))
          }
          const store = await context.open({ through: busy.through })
          await run(store, id, abort.signal).catch(() => {})
          await closed(context, store, busy)
          // The next round begins with as much as this one, and so makes as many calls.
          await plain.unpin(`pin-${id}`)
          await plain.unpin(`next-${id}`)
          await plain.prune({ last: 1 })
        }
        assert.ok(points > 1)
      },
    }),
  ),
  {
    name: "close: an aborted save of a state in parts has given its upload up once close resolves",
    async run(context) {
      const { parts } = context.raw
      if (parts === undefined) return
      const first = parts.partBytes(0, undefined)
      const busy = new Busy()
      const abort = new AbortController()
      async function* source() {
        for (let sent = 0; sent <= 2 * first; sent += 1_000_000) yield new Uint8Array(1_000_000)
        abort.abort(new Error("enough"))
        yield bytes("more")
      }
      const store = await context.open({ through: busy.through })
      await rejection(store.save(manifestOf(1), { state: source(), signal: abort.signal }))
      await closed(context, store, busy)
      const left = await context.raw.leftovers?.({ olderThanMs: 0, prefix: "", dryRun: true })
      assert.deepEqual(left ?? [], [])
    },
  },
  ...Object.entries(unanswered).map(
    ([name, run]): Scenario => ({
      name: `close: a storage that never answers an aborted ${name} is waited for no longer than timeoutMs`,
      async run(context) {
        if (name === "claim" && context.raw.claim === undefined) return
        const clock = new ManualClock(context.settled)
        let asked = false
        const through = (backend: ObjectBackend) =>
          intercept(backend, {
            around() {
              asked = true
              return never()
            },
          })
        const store = await context.open({ clock, timeoutMs: 20_000, through })
        const abort = new AbortController()
        const running = run(store, abort.signal)
        running.catch(() => {})
        await until(() => asked, "the request")
        abort.abort(new Error("enough"))
        await rejection(running)
        let over = false
        const closing = store.close().then(() => {
          over = true
        })
        await clock.advance(19_999)
        assert.equal(over, false)
        await clock.advance(1)
        await closing
      },
    }),
  ),
  {
    name: "close: waits for a read of a whole state, which succeeds",
    async run(context) {
      await (await context.open()).save(manifestOf(1), { state: large() })
      const door = gate()
      let asked = false
      const busy = new Busy()
      const store = await context.open({
        through: (backend) =>
          intercept(busy.through(backend), {
            async around(info, proceed) {
              if (info.call !== "get" || info.key !== context.keys.state(1)) return proceed()
              asked = true
              await door.passed
              return proceed()
            },
          }),
      })
      const { checkpoint } = await store.recover({ depth: "shallow" })
      const reading = (await checkpoint?.state())?.bytes()
      await until(() => asked, "the read")
      let over = false
      const closing = store.close().then(() => {
        over = true
      })
      await context.settled()
      assert.equal(over, false)
      door.open()
      assert.deepEqual(await reading, large())
      await closing
      await assertQuiet(context, busy, busy.calls)
    },
  },
  {
    name: "close: in the middle of an iteration it ends the reader, whose next step is CKPT_CLOSED",
    async run(context) {
      await (await context.open()).save(manifestOf(1), { state: large() })
      const busy = new Busy()
      const store = await context.open({ through: busy.through })
      const { checkpoint } = await store.recover()
      let chunks = 0
      const reading = async () => {
        for await (const _ of (await checkpoint?.state()) ?? []) {
          chunks++
          await closed(context, store, busy)
        }
      }
      await refusal(reading(), "CKPT_CLOSED")
      assert.equal(chunks, 1)
      await assertQuiet(context, busy, busy.calls)
    },
  },
  {
    name: "close: a step of a reader that is under way is answered, and the next one is CKPT_CLOSED",
    async run(context) {
      await (await context.open()).save(manifestOf(1), { state: large() })
      const busy = new Busy()
      const store = await context.open({ through: busy.through })
      const chunks = (await store.readState(1))?.[Symbol.asyncIterator]()
      assert.ok(chunks)
      const step = chunks.next()
      await closed(context, store, busy)
      assert.equal((await step).done, false)
      await refusal(chunks.next(), "CKPT_CLOSED")
      await chunks.return?.()
    },
  },
  {
    name: "close: a reader of a closed store is CKPT_CLOSED, whatever it reads, and makes no request",
    async run(context) {
      const small = await context.open()
      await small.save(manifestOf(1), { operators: { a: bytes("inline") } })
      await small.save(manifestOf(2), { operators: { a: large() } })
      for (const id of [1, 2]) {
        const busy = new Busy()
        const store = await context.open({ through: busy.through })
        const { checkpoint } = await store.recover({ accept: ({ checkpointId }) => checkpointId === id })
        const readers = [await checkpoint?.operatorStream("a"), await checkpoint?.state(), await store.readState(id)]
        await closed(context, store, busy)
        const before = busy.calls
        for (const reader of readers) {
          if (reader === undefined) continue
          await refusal(reader.bytes(), "CKPT_CLOSED")
          await refusal(readAll(reader), "CKPT_CLOSED")
        }
        await refusal(checkpoint?.operator("a") ?? Promise.resolve(), "CKPT_CLOSED")
        await assertQuiet(context, busy, before)
      }
    },
  },
  {
    name: "close: restore's visitor may await it",
    async run(context) {
      await saveAll(await context.open(), 1, 2)
      const restoring = await context.open()
      const restored = await restoring.restore(async ({ id }) => {
        await restoring.close()
        return id
      })
      assert.equal(restored.value, 2)
      const own = new Error("of the visitor")
      const failing = await context.open()
      const visiting = failing.restore(async () => {
        await failing.close()
        throw own
      })
      assert.equal(await rejection(visiting), own)
    },
  },
  {
    name: "close: a restore or recover that would have to go on after it is CKPT_CLOSED, and makes no request",
    async run(context) {
      await saveAll(await context.open(), ...range(1, 3))
      const busy = new Busy()
      const restoring = await context.open({ through: busy.through })
      const visiting = restoring.restore(async (checkpoint) => {
        await closed(context, restoring, busy)
        await (await checkpoint.state())?.bytes()
      })
      await refusal(visiting, "CKPT_CLOSED")
      await assertQuiet(context, busy, busy.calls)
      for (const answer of [false, true]) {
        const others = new Busy()
        const recovering = await context.open({ through: others.through })
        const accept = async () => {
          await closed(context, recovering, others)
          return answer
        }
        await refusal(recovering.recover({ accept }), "CKPT_CLOSED")
        await assertQuiet(context, others, others.calls)
      }
    },
  },
]
