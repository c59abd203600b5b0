import { describe, expect, test } from "vitest"
import { clouds } from "./clouds/all.js"
import { ProxiedBucket } from "./clouds/proxied.js"
import { manifestOf, stateOf } from "./faults/operations.js"

const throttled = { kind: "status", status: 503, body: "slow down" } as const

describe.each(clouds.map((cloud) => ({ name: cloud.name, cloud })))("storms, $name", ({ cloud }) => {
  test("half of all requests are answered 503 for ever: slow, and right", async () => {
    await using at = await ProxiedBucket.create(cloud)
    const store = await at.open({ retry: { attempts: 8 } })
    // Every other one of the same requests, so that the rhythm of the store's own requests does not matter.
    const seen = new Map<string, number>()
    at.proxy.inject({
      when: () => true,
      fault({ method, path }) {
        const what = `${method} ${path}`
        const count = seen.get(what) ?? 0
        seen.set(what, count + 1)
        return count % 2 === 0 ? throttled : undefined
      },
    })
    for (const id of [1, 2, 3]) await store.save(manifestOf(id), { state: stateOf(id) })
    const found = await store.recover()
    expect(found).toMatchObject({ outcome: "recovered", skipped: [], checkpoint: { id: 3 } })
    expect(await store.prune({ last: 1 })).toMatchObject({ removed: [1, 2], failures: [] })
  })

  test("everything is answered 503: the attempts are bounded, and an outage is no fresh start", async () => {
    await using at = await ProxiedBucket.create(cloud)
    const store = await at.open()
    await store.save(manifestOf(1))
    at.proxy.inject({ when: () => true, fault: throttled })
    at.proxy.resetCounts()
    await expect(store.recover()).rejects.toMatchObject({ code: "CKPT_IO", retryable: true })
    // Two listings at once, four attempts each.
    expect(at.proxy.requests.length).toBeLessThanOrEqual(8)
    at.proxy.resetCounts()
    await expect(store.loadLatest()).rejects.toMatchObject({ code: "CKPT_IO", retryable: true })
    expect(at.proxy.requests.length).toBeLessThanOrEqual(8)
    at.proxy.clear()
    expect((await store.loadLatest())?.checkpointId).toBe(1)
  })

  test("everything is answered 503 for 30 s: a store that may try so long sits it out", async () => {
    await using at = await ProxiedBucket.create(cloud)
    const store = await at.open({ retry: { attempts: 100 } })
    await store.save(manifestOf(1))
    const end = at.clock.monotonic() + 30_000
    at.proxy.inject({ when: () => true, fault: () => (at.clock.monotonic() < end ? throttled : undefined) })
    await store.save(manifestOf(2), { state: stateOf(2) })
    expect(at.clock.monotonic()).toBeGreaterThanOrEqual(end)
    at.proxy.clear()
    expect(await store.recover()).toMatchObject({ outcome: "recovered", skipped: [], checkpoint: { id: 2 } })
  })

  test("Retry-After past the total deadline: no attempt is waited for", async () => {
    await using at = await ProxiedBucket.create(cloud)
    const store = await at.open({ retry: { deadlineMs: 5_000 } })
    at.proxy.inject({ when: () => true, fault: { ...throttled, headers: { "retry-after": "6" } } })
    await expect(store.loadLatest()).rejects.toMatchObject({ code: "CKPT_IO" })
    expect(at.clock.waits).toEqual([])
  })

  test("an abort ends the wait between two attempts, with its reason", async () => {
    await using at = await ProxiedBucket.create(cloud)
    const abort = new AbortController()
    const reason = new Error("shutting down")
    const store = await at.open({
      // A real wait of an hour: only the abort ends it.
      clock: {
        now: () => Date.now(),
        monotonic: () => performance.now(),
        sleep: (_, signal) =>
          new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true })),
      },
      onEvent: ({ type }) => {
        if (type === "retry") queueMicrotask(() => abort.abort(reason))
      },
    })
    at.proxy.inject({ when: () => true, fault: throttled })
    await expect(store.loadLatest({ signal: abort.signal })).rejects.toBe(reason)
  })
})
