import assert from "node:assert/strict"
import type { CheckpointStore, ObjectBackend, ObjectContent } from "@ckpt/core"
import { ManualClock } from "../../harness/clocks.js"
import { type CallInfo, calls, intercept, withoutCommit } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { gate, never, until } from "../../harness/waiting.js"
import { assertRecovers, bytes, manifestOf, readAll, refusal, saveAll, stateText } from "../support.js"

export interface Hanging {
  readonly store: CheckpointStore
  readonly clock: ManualClock
  /** The calls that hang. */
  readonly hung: CallInfo[]
}

/** A store over checkpoints 1 and 2. Its storage never answers these calls, and ignores signals. */
export async function hangingOn(
  context: ScenarioContext,
  on: (info: CallInfo) => boolean,
  times = Number.POSITIVE_INFINITY,
): Promise<Hanging> {
  await saveAll(await context.open(), 1, 2)
  const clock = new ManualClock(context.settled)
  const hung: CallInfo[] = []
  const store = await context.open({
    clock,
    random: () => 0,
    through: (backend: ObjectBackend) =>
      intercept(withoutCommit(backend), {
        async around(info, proceed) {
          if (!on(info) || hung.length >= times) return proceed()
          hung.push(info)
          return never()
        },
      }),
  })
  return { store, clock, hung }
}

/** Lets every hanging attempt time out, until the operation gives up. Gives the number of attempts. */
async function outlast({ clock, hung }: Hanging, promise: Promise<unknown>, perAttemptMs = 30_000): Promise<number> {
  let over = false
  promise.then(
    () => (over = true),
    () => (over = true),
  )
  let attempts = 0
  while (!over) {
    await until(() => over || hung.length > attempts, "an attempt that hangs")
    if (over) break
    attempts = hung.length
    await clock.advance(perAttemptMs - 1)
    assert.equal(over, false)
    await clock.advance(1)
    // Ends the wait before the next attempt.
    await clock.advance(0)
  }
  return attempts
}

export const timeoutScenarios: readonly Scenario[] = [
  ...(["list", "get"] as const).map(
    (call): Scenario => ({
      name: `time-out: a ${call} that is never answered is tried again after its time-out, and is CKPT_TIMEOUT in the end`,
      async run(context) {
        const hanging = await hangingOn(context, (info) => info.call === call)
        const loading = hanging.store.loadLatest()
        const attempts = await outlast(hanging, loading)
        assert.equal((await refusal(loading, "CKPT_TIMEOUT")).retryable, true)
        // Up to 12: manifest, history and pointer are read at the same time.
        assert.ok(attempts >= 4 && attempts <= 12, `${attempts} attempts`)
      },
    }),
  ),
  {
    name: "time-out: an operation with one unanswered attempt succeeds with the next one",
    async run(context) {
      const hanging = await hangingOn(context, calls("list"), 1)
      const loading = hanging.store.loadLatest()
      await outlast(hanging, loading)
      assert.equal((await loading)?.checkpointId, 2)
    },
  },
  {
    name: "time-out: a save whose state put is never answered is CKPT_TIMEOUT",
    async run(context) {
      const hanging = await hangingOn(context, calls("put", context.keys.state(3)))
      const saving = hanging.store.save(manifestOf(3), { state: bytes(stateText(3)) })
      const attempts = await outlast(hanging, saving)
      assert.equal((await refusal(saving, "CKPT_TIMEOUT", 3)).retryable, true)
      assert.ok(attempts <= 4)
      await assertRecovers(await context.open(), 2)
    },
  },
  {
    name: "time-out: a save whose manifest put is never answered is CKPT_UNKNOWN_OUTCOME",
    async run(context) {
      const hanging = await hangingOn(context, calls("put", context.keys.manifest(3)))
      const saving = hanging.store.save(manifestOf(3), { state: bytes(stateText(3)) })
      const attempts = await outlast(hanging, saving)
      await refusal(saving, "CKPT_UNKNOWN_OUTCOME", 3)
      assert.ok(attempts <= 4)
      await assertRecovers(await context.open(), 2)
    },
  },
  {
    name: "time-out: a save whose manifest put took effect without an answer asks again, and succeeds",
    async run(context) {
      await saveAll(await context.open(), 1, 2)
      const clock = new ManualClock(context.settled)
      let written = false
      const store = await context.open({
        clock,
        through: (backend) =>
          intercept(withoutCommit(backend), {
            async around(info, proceed) {
              if (info.call !== "put" || info.key !== context.keys.manifest(3)) return proceed()
              await proceed()
              written = true
              return never()
            },
          }),
      })
      const saving = store.save(manifestOf(3), { state: bytes(stateText(3)) })
      await until(() => written, "the put")
      // The time-out, and the wait before the next attempt.
      await clock.advance(30_000)
      await clock.advance(100)
      assert.equal((await saving).outcome, "created")
      await assertRecovers(await context.open(), 3)
    },
  },
  {
    name: "time-out: a body that stands still is read on from the byte where it stopped",
    async run(context) {
      const opener = await context.open()
      const state = new Uint8Array(3_000_000).fill(7)
      await opener.save(manifestOf(1), { state })
      const clock = new ManualClock(context.settled)
      const standsStillAfter = 500_000
      const offsets: number[] = []
      let stalls = 0
      let stalled = 0
      const store = await context.open({
        clock,
        random: () => 0,
        through: (backend) =>
          intercept(backend, {
            async around(info, proceed) {
              const answer = await proceed()
              if (info.call !== "get" || info.key !== context.keys.state(1)) return answer
              offsets.push(info.range?.offset ?? 0)
              return stalled >= stalls
                ? answer
                : { ...(answer as ObjectContent), body: stalling((answer as ObjectContent).body) }
            },
          }),
      })
      async function* stalling(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        const iterator = body[Symbol.asyncIterator]()
        try {
          for (let left = standsStillAfter; left > 0; ) {
            const step = await iterator.next()
            if (step.done) break
            const piece = step.value.subarray(0, left)
            left -= piece.length
            yield piece
          }
        } finally {
          await iterator.return?.()
        }
        stalled++
        await never()
      }
      // A state that is far is opened by this call already.
      stalls = 2
      const reader = await store.readState(1)
      const read = reader?.bytes()
      for (const seen of [1, 2]) {
        await until(() => stalled === seen, "the body to stand still")
        await context.settled()
        await clock.advance(30_000)
      }
      assert.deepEqual(await read, state)
      assert.deepEqual(offsets, [0, standsStillAfter, 2 * standsStillAfter])
    },
  },
  {
    name: "time-out: a body that never begins is CKPT_TIMEOUT after its attempts",
    async run(context) {
      await saveAll(await context.open(), 1)
      const clock = new ManualClock(context.settled)
      let bodies = 0
      const store = await context.open({
        clock,
        random: () => 0,
        through: (backend) =>
          intercept(backend, {
            async around(info, proceed) {
              const answer = (await proceed()) as ObjectContent | undefined
              if (info.call !== "get" || info.key !== context.keys.state(1) || answer === undefined) return answer
              await answer.body[Symbol.asyncIterator]().return?.()
              const body = {
                [Symbol.asyncIterator]: () => ({
                  next() {
                    bodies++
                    return never()
                  },
                }),
              }
              return { meta: answer.meta, body }
            },
          }),
      })
      const reader = await store.readState(1)
      const read = reader?.bytes() as Promise<unknown>
      read.catch(() => {})
      for (const seen of [1, 2, 3, 4]) {
        await until(() => bodies === seen, `body ${seen}`)
        await clock.advance(30_000)
      }
      assert.equal((await refusal(read, "CKPT_TIMEOUT", 1)).retryable, true)
    },
  },
  {
    name: "time-out: a slow source of the caller never times out",
    async run(context) {
      const door = gate()
      const clock = new ManualClock(context.settled)
      let asked = false
      async function* slow() {
        yield bytes("first, ")
        asked = true
        await door.passed
        yield bytes("then")
      }
      const store = await context.open({ clock })
      const saving = store.save(manifestOf(1), { state: slow() })
      await until(() => asked, "the second chunk")
      for (let minute = 0; minute < 10; minute++) await clock.advance(60_000)
      door.open()
      assert.equal((await saving).stateSize, 11)
      assert.equal(await readAll(await store.readState(1)), "first, then")
    },
  },
]
