import assert from "node:assert/strict"
import { BackendError, type CheckpointStore, type RetryOptions } from "@ckpt/core"
import { LeapingClock } from "../../harness/clocks.js"
import {
  type CallInfo,
  calls,
  denied,
  type Fault,
  full,
  permanent,
  recorder,
  transient,
  withFaults,
} from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { operations, withSignal } from "../operations.js"
import { assertRecovers, bytes, manifestOf, refusal, rejection, saveAll, stateText } from "../support.js"

interface Setup {
  readonly store: CheckpointStore
  readonly calls: CallInfo[]
  readonly clock: LeapingClock
}

/** A store over checkpoints 1 and 2, with these faults. */
async function setUp(context: ScenarioContext, faults: Fault[], retry?: RetryOptions, random = 1): Promise<Setup> {
  if ((await context.allKeys()).length === 0) await saveAll(await context.open(), 1, 2)
  const clock = new LeapingClock()
  const { calls, through } = recorder()
  const store = await context.open({
    clock,
    random: () => random,
    ...(retry === undefined ? {} : { retry }),
    through: (backend) => through(withFaults(backend, ...faults)),
  })
  return { store, calls, clock }
}

const always = (error: () => unknown, on: Fault["on"] = () => true): Fault[] => [{ on, at: "before", error }]

export const retryScenarios: readonly Scenario[] = [
  ...Object.entries(operations).map(
    ([name, run]): Scenario => ({
      name: `storm: ${name} on a storage that is down is CKPT_IO after its attempts and changes nothing`,
      async run(context) {
        const { store, calls, clock } = await setUp(context, always(transient))
        const before = await context.allKeys()
        const error = await refusal(run(store), "CKPT_IO")
        assert.deepEqual([error.retryable, error.backend], [true, context.raw.name])
        assert.ok(error.cause instanceof BackendError)
        const perRequest = new Map<string, number>()
        for (const { call, key } of calls) perRequest.set(`${call} ${key}`, (perRequest.get(`${call} ${key}`) ?? 0) + 1)
        for (const [request, count] of perRequest) assert.ok(count <= 4, `${request}: ${count} times`)
        assert.ok([...perRequest.values()].includes(4))
        assert.ok(clock.sleeps.length > 0)
        assert.deepEqual(await context.allKeys(), before)
      },
    }),
  ),
  ...Object.entries(operations).map(
    ([name, run]): Scenario => ({
      name: `storm: ${name} on a storage that fails every second time succeeds`,
      async run(context) {
        // Each request by itself: where many are made at once, a common count would let one of them fail every time.
        const counts = new Map<string, number>()
        const isOdd = ({ call, key }: CallInfo) => {
          const count = (counts.get(`${call} ${key}`) ?? 0) + 1
          counts.set(`${call} ${key}`, count)
          return count % 2 === 1
        }
        const { store } = await setUp(context, always(transient, isOdd))
        await run(store)
        assert.ok([...counts.values()].some((count) => count > 1))
        await assertRecovers(await context.open(), name.startsWith("save") ? 3 : 2)
      },
    }),
  ),
  ...Object.entries(operations).map(
    ([name, run]): Scenario => ({
      name: `failure: ${name} tries a permanent failure only once`,
      async run(context) {
        const failures = [
          [permanent, "CKPT_IO"],
          [denied, "CKPT_DENIED"],
          [full, "CKPT_FULL"],
        ] as const
        for (const [error, code] of failures) {
          const { store, clock } = await setUp(context, always(error))
          assert.equal((await refusal(run(store), code)).retryable, false)
          assert.deepEqual(clock.sleeps, [])
        }
      },
    }),
  ),
  {
    name: "storm: a save with 40 attempts outlasts an outage of 30 seconds",
    async run(context) {
      const started: number[] = []
      let clock: LeapingClock | undefined
      const down = () => clock !== undefined && clock.monotonic() < 30_000
      const set = await setUp(context, always(transient, down), { attempts: 40 })
      clock = set.clock
      started.push(clock.monotonic())
      await set.store.save(manifestOf(3), { state: bytes(stateText(3)) })
      assert.ok(clock.monotonic() >= 30_000)
      await assertRecovers(await context.open(), 3)
    },
  },
  {
    name: "retry: waits double up to maxDelayMs, each times the random factor",
    async run(context) {
      const retry = { attempts: 7, minDelayMs: 100, maxDelayMs: 1_000 }
      const list = calls("list")
      const full = await setUp(context, always(transient, list), retry)
      await refusal(full.store.ids(), "CKPT_IO")
      assert.deepEqual(full.clock.sleeps, [100, 200, 400, 800, 1_000, 1_000])
      const half = await setUp(context, always(transient, list), retry, 0.5)
      await refusal(half.store.ids(), "CKPT_IO")
      assert.deepEqual(half.clock.sleeps, [50, 100, 200, 400, 500, 500])
      const once = await setUp(context, always(transient, list), { attempts: 1 })
      await refusal(once.store.ids(), "CKPT_IO")
      assert.equal(once.calls.length, 1)
    },
  },
  {
    name: "retry: no attempt starts sooner than the storage asks for",
    async run(context) {
      const busy = () => new BackendError("transient", "429", { retryAfterMs: 7_000 })
      const { store, clock } = await setUp(context, [{ on: calls("list"), at: "before", error: busy, times: 2 }])
      assert.deepEqual(await store.ids(), [1, 2])
      assert.deepEqual(clock.sleeps, [7_000, 7_000])
    },
  },
  {
    name: "retry: no attempt starts after the deadline",
    async run(context) {
      const retry = { attempts: 100, minDelayMs: 400, maxDelayMs: 400, deadlineMs: 1_000 }
      const { store, clock } = await setUp(context, always(transient, calls("list")), retry)
      await refusal(store.ids(), "CKPT_IO")
      assert.ok(clock.monotonic() <= 1_000, `${clock.monotonic()} ms`)

      const busy = () => new BackendError("transient", "503", { retryAfterMs: 20_000 })
      const later = await setUp(context, always(busy, calls("list")), retry)
      await refusal(later.store.ids(), "CKPT_IO")
      assert.deepEqual(later.clock.sleeps, [])
    },
  },
  {
    name: "retry: each further attempt is a retry event with its delay",
    async run(context) {
      const { store } = await setUp(context, [{ on: calls("list"), at: "before", error: transient, times: 2 }])
      await store.ids()
      const told = context.events.flatMap((event) =>
        event.type === "retry" ? [[event.operation, event.attempt, event.delayMs]] : [],
      )
      assert.deepEqual(told, [
        ["list", 1, 100],
        ["list", 2, 200],
      ])
    },
  },
  ...Object.entries(operations).map(
    ([name, run]): Scenario => ({
      name: `abort: ${name} with an aborted signal rejects with its reason and makes no request`,
      async run(context) {
        await saveAll(await context.open(), 1, 2)
        const { calls, through } = recorder()
        const store = await context.open({ through })
        const reason = new Error("not today")
        const signal = AbortSignal.abort(reason)
        assert.equal(await rejection(run(withSignal(store, signal))), reason)
        assert.deepEqual(calls, [])
      },
    }),
  ),
]
