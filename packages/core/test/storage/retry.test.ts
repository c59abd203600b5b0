import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { Gate } from "../../src/async/gate.js"
import { BackendError, type BackendErrorKind } from "../../src/errors.js"
import type { StoreEvent } from "../../src/events.js"
import { isTimeout, type RetryContext, timeoutFor, withTimeout } from "../../src/storage/attempt.js"
import { LostAnswers, type RetryOptions, retryPolicy, withRetry } from "../../src/storage/retry.js"
import { OwnedClock } from "../owned-clock.js"

function setup(options: RetryOptions & { timeoutMs?: number; random?: () => number } = {}) {
  const clock = new OwnedClock()
  const events: StoreEvent[] = []
  const context: RetryContext = {
    policy: retryPolicy(options, options.timeoutMs),
    clock,
    random: options.random ?? (() => 1),
    emit: (event) => events.push(event),
    requests: new Gate((what) => new Error(what)),
  }
  return { clock, events, context }
}

const read = { name: "get", key: "k", write: false, repeatable: true }
const write = { name: "put", key: "k", write: true, repeatable: false }

describe("withRetry", () => {
  test("doubles the ceiling of the wait and stops at its limit", async () => {
    const { clock, context, events } = setup({ attempts: 7 })
    let calls = 0
    const failing = withRetry(context, read, undefined, async () => {
      calls++
      throw new BackendError("transient", "slow down")
    })
    await expect(failing).rejects.toMatchObject({ kind: "transient" })
    expect(calls).toBe(7)
    expect(clock.slept).toEqual([100, 200, 400, 800, 1600, 2000])
    expect(events.map((event) => event.type)).toEqual(Array(6).fill("retry"))
  })

  test("jitter takes any part of the ceiling", async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), async (random) => {
        const { clock, context } = setup({ attempts: 2, random: () => random })
        await withRetry(context, read, undefined, async () => {
          throw new BackendError("transient", "x")
        }).catch(() => {})
        expect(clock.slept).toEqual([random * 100])
      }),
    )
  })

  test("never waits shorter than the storage asked for", async () => {
    const { clock, context } = setup({ attempts: 2, random: () => 0 })
    await withRetry(context, read, undefined, async () => {
      throw new BackendError("transient", "x", { retryAfterMs: 3_000 })
    }).catch(() => {})
    expect(clock.slept).toEqual([3_000])
  })

  test.each<[BackendErrorKind, number]>([
    ["precondition", 1],
    ["denied", 1],
    ["damaged", 1],
    ["permanent", 1],
    ["ambiguous", 4],
    ["transient", 4],
  ])("%s on a read is tried %d times", async (kind, expected) => {
    const { context } = setup()
    let calls = 0
    await withRetry(context, read, undefined, async () => {
      calls++
      throw new BackendError(kind, "x")
    }).catch(() => {})
    expect(calls).toBe(expected)
  })

  test("an ambiguous write is never repeated blindly, nor one whose body is used up", async () => {
    const { context } = setup()
    for (const [kind, canRepeat] of [
      ["ambiguous", true],
      ["transient", false],
    ] as const) {
      let calls = 0
      const one = async () => {
        calls++
        throw new BackendError(kind, "x")
      }
      await withRetry(context, write, undefined, one, () => canRepeat).catch(() => {})
      expect(calls, kind).toBe(1)
    }
  })

  test("an abort ends the wait between attempts with its reason", async () => {
    const { clock, context } = setup({ minDelayMs: 60_000, maxDelayMs: 60_000 })
    clock.autoAdvance = false
    const controller = new AbortController()
    const reason = new Error("enough")
    const running = withRetry(context, read, controller.signal, async () => {
      throw new BackendError("transient", "x")
    })
    await clock.advance(0)
    controller.abort(reason)
    await expect(running).rejects.toBe(reason)
  })

  test("no attempt starts after the deadline", async () => {
    const { context } = setup({ attempts: 100, deadlineMs: 1_000 })
    let calls = 0
    await withRetry(context, read, undefined, async () => {
      calls++
      throw new BackendError("transient", "x")
    }).catch(() => {})
    // 100 + 200 + 400 + 800 ms: the fifth attempt would start at 1,500.
    expect(calls).toBeLessThanOrEqual(5)
  })

  test("errors that are not the backend's come through at once", async () => {
    const { context } = setup()
    const own = new TypeError("mine")
    await expect(
      withRetry(context, read, undefined, async () => {
        throw own
      }),
    ).rejects.toBe(own)
  })
})

describe("withTimeout", () => {
  test.each([
    [false, "transient"],
    [true, "ambiguous"],
  ] as const)("gives up a backend that ignores its signal (write: %s → %s)", async (isWrite, kind) => {
    const { clock, context } = setup({ timeoutMs: 30_000 })
    const running = withTimeout(
      context,
      { name: "x", key: "k", write: isWrite },
      undefined,
      () => new Promise(() => {}),
    )
    const failure = running.catch((error: unknown) => error)
    await clock.advance(29_999)
    await clock.advance(1)
    const error = await failure
    expect(error).toMatchObject({ kind })
    expect(isTimeout(error)).toBe(true)
  })

  test("bytes that move start the time again; the caller's own slowness does not count", async () => {
    const { clock, context } = setup({ timeoutMs: 30_000 })
    let finish = () => {}
    let produced = () => {}
    const running = withTimeout(context, write, undefined, async (_, watch) => {
      await clock.advance(20_000)
      watch.touch()
      await clock.advance(20_000)
      await watch.paused(
        () =>
          new Promise<void>((resolve) => {
            produced = resolve
          }),
      )
      return new Promise<string>((resolve) => {
        finish = () => resolve("done")
      })
    })
    for (let turn = 0; turn < 100; turn++) await Promise.resolve()
    await clock.advance(300_000)
    produced()
    await clock.advance(20_000)
    finish()
    await expect(running).resolves.toBe("done")
  })
})

describe("the time-out of a request that carries bytes", () => {
  test.each([
    [0, 30_000],
    [1_000, 30_000],
    [128 * 1024, 31_000],
    [8 * 1024 ** 2, 94_000],
    [105 * 1024 ** 2, 870_000],
  ])("%i bytes have %i ms, and the error says so", async (bytes, limitMs) => {
    const { clock, context } = setup({ timeoutMs: 30_000, attempts: 1 })
    let failure: unknown
    withRetry(context, write, undefined, (_, watch) => {
      watch.carries(bytes)
      return new Promise(() => {})
    }).catch((error: unknown) => {
      failure = error
    })
    await clock.advance(limitMs - 1)
    expect(failure).toBeUndefined()
    await clock.advance(1)
    expect(failure).toMatchObject({ kind: "ambiguous", message: expect.stringContaining(`for ${limitMs} ms`) })
    expect(isTimeout(failure)).toBe(true)
  })

  test("is none where there is none without", () => {
    expect(timeoutFor(Number.POSITIVE_INFINITY, 8 * 1024 ** 2)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe("an answer that was lost", () => {
  const upload = { ...write, repeatable: true }
  const fail = (...kinds: BackendErrorKind[]) => {
    const left = kinds.values()
    return async (): Promise<never> => {
      throw new BackendError(left.next().value as BackendErrorKind, "x")
    }
  }

  test.each([
    [["ambiguous", "denied"], "ambiguous"],
    [["ambiguous", "transient", "transient", "transient"], "ambiguous"],
    [["transient", "ambiguous", "permanent"], "ambiguous"],
    [["ambiguous", "precondition"], "precondition"],
    [["transient", "denied"], "denied"],
  ] as const)("stays unclear, whatever comes after it: %j is %s", async (kinds, expected) => {
    const { context } = setup()
    await expect(withRetry(context, upload, undefined, fail(...kinds))).rejects.toMatchObject({ kind: expected })
  })

  test("and when the deadline ends the attempts", async () => {
    const { context } = setup({ deadlineMs: 150 })
    const failing = withRetry(context, upload, undefined, fail("ambiguous", "transient", "transient"))
    await expect(failing).rejects.toMatchObject({ kind: "ambiguous" })
  })
})

describe("LostAnswers", () => {
  const lost = (options: { retryAfterMs?: number; unsettleable?: boolean } = {}) =>
    new BackendError("ambiguous", "reset", options)

  test("has as many attempts as any request, with the same waits", async () => {
    const { clock, context, events } = setup({ attempts: 4 })
    const answers = new LostAnswers(context, write)
    expect([await answers.tryAgain(lost()), await answers.tryAgain(lost()), await answers.tryAgain(lost())]).toEqual([
      true,
      true,
      true,
    ])
    expect(await answers.tryAgain(lost())).toBe(false)
    expect(clock.slept).toEqual([100, 200, 400])
    expect(events.map((event) => event.type)).toEqual(["retry", "retry", "retry"])
  })

  test("waits as long as the storage asks for, and not past the deadline", async () => {
    const { clock, context } = setup({ attempts: 9, deadlineMs: 4_000 })
    const answers = new LostAnswers(context, write)
    expect(await answers.tryAgain(lost({ retryAfterMs: 3_000 }))).toBe(true)
    expect(await answers.tryAgain(lost({ retryAfterMs: 3_000 }))).toBe(false)
    expect(clock.slept).toEqual([3_000])
  })

  test("does not try again what reading back cannot settle", async () => {
    const { clock, context } = setup()
    expect(await new LostAnswers(context, write).tryAgain(lost({ unsettleable: true }))).toBe(false)
    expect(clock.slept).toEqual([])
  })

  test("an abort ends the wait with its reason", async () => {
    const { clock, context } = setup()
    clock.autoAdvance = false
    const abort = new AbortController()
    const reason = new Error("stop")
    const waiting = new LostAnswers(context, write).tryAgain(lost(), abort.signal)
    abort.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })
})
