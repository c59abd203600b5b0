import type { StoreOptions } from "@ckpt/core"
import type { Fault, ProxiedRequest } from "@ckpt/fault-proxy"
import { describe, expect, test } from "vitest"
import { clouds } from "./clouds/all.js"
import { ProxiedBucket } from "./clouds/proxied.js"
import { manifestOf } from "./faults/operations.js"

const MiB = 1024 * 1024
const size = 20 * MiB + 5
const stateKey = "checkpoints/state-000002.bin"

function pattern(): Uint8Array {
  const content = new Uint8Array(size)
  for (let index = 0; index < size; index++) content[index] = (index * 31 + (index >> 8) * 7 + (index >> 16)) & 0xff
  return content
}

/** A clock on which a tenth of a millisecond is a second, so that every line is slow; or on which no time passes, so that none is. */
function clockOf(line: "slow" | "fast"): NonNullable<StoreOptions["clock"]> {
  return {
    now: () => Date.now(),
    monotonic: () => (line === "slow" ? performance.now() * 10_000 : 0),
    // Waits between attempts are short, and time-outs are off.
    sleep: async (_, signal) => signal?.throwIfAborted(),
  }
}

/** The first and the last byte of each request; empty for a request of the whole object. */
function rangeOf({ headers }: ProxiedRequest): number[] {
  const header = headers["x-ms-range"] ?? headers["range"] ?? ""
  return (/^bytes=(\d+)-(\d+)$/.exec(String(header)) ?? []).slice(1).map(Number)
}

/** The ranges beside the first answer. Each begins where the one before ends, and the last ends with the state. */
function assertNoGap(unsorted: number[][]): void {
  // Requests that are made at once may arrive in any order.
  const ranges = [...unsorted].sort(([a = 0], [b = 0]) => a - b)
  const [begin = Number.NaN] = ranges[0] ?? []
  expect(ranges.reduce((at, [first, last = Number.NaN]) => (first === at ? last + 1 : Number.NaN), begin)).toBe(size)
}

describe.each(clouds.map((cloud) => ({ name: cloud.name, cloud })))("large states, $name", ({ cloud }) => {
  async function saved(line: "slow" | "fast") {
    const at = await ProxiedBucket.create(cloud)
    const state = pattern()
    await (await at.openDirect()).save(manifestOf(2), { state })
    const store = await at.open({ clock: clockOf(line), timeoutMs: Number.POSITIVE_INFINITY })
    const read = async () => {
      const bytes = await (await store.readState(2))?.bytes()
      return bytes !== undefined && Buffer.compare(bytes, state) === 0
    }
    const asked = () =>
      at.proxy.requests
        .filter((request) => {
          const { kind, key } = cloud.see(request)
          return kind === "get" && key === stateKey
        })
        .map(rangeOf)
    const inject = (fault: Fault) =>
      at.proxy.inject({
        when: (request) => cloud.see(request).kind === "get" && (rangeOf(request)[0] ?? 0) > 0,
        fault,
        times: 1,
      })
    return { at, read, store, asked, inject }
  }

  test("a restore is three requests: the manifest and the state at once, then the history", async () => {
    const { at, read } = await saved("fast")
    await using _ = at
    // The pointer says whether there must be a history; a store remembers that.
    await read()
    at.proxy.resetCounts()
    expect(await read()).toBe(true)
    expect(at.counts()).toEqual({ get: 3 })
  })

  test("deep recovery asks for the state once", async () => {
    const { at, store, asked } = await saved("fast")
    await using _ = at
    expect((await store.recover()).outcome).toBe("recovered")
    expect(asked()).toEqual([[]])
  })

  test("on a slow line ranges come in place of what the first answer had not brought, each once", async () => {
    const { at, read, asked } = await saved("slow")
    await using _ = at
    expect(await read()).toBe(true)
    const [first, ...ranges] = asked()
    expect(first).toEqual([])
    expect(ranges.length).toBeGreaterThan(0)
    assertNoGap(ranges)
  })

  test("a range that breaks off goes on by itself", async () => {
    const { at, read, asked, inject } = await saved("slow")
    await using _ = at
    inject({ kind: "reset-mid-answer", afterBytes: 100 * 1024 })
    expect(await read()).toBe(true)
    const ends = asked().map(([, last]) => last)
    const again = ends.find((last, index) => last !== undefined && ends.indexOf(last) < index)
    expect(again).toBeDefined()
    const [before, after] = asked().filter(([, last]) => last === again)
    // The byte where it stopped depends on how much of the answer arrived before the reset.
    expect((after?.[0] ?? 0) - (before?.[0] ?? 0)).toBeLessThanOrEqual(100 * 1024)
  })

  test("a byte that is damaged on its way is no damage of the checkpoint", async () => {
    const { at, store, inject } = await saved("slow")
    await using _ = at
    inject({ kind: "corrupt-answer", at: 1000 })
    expect(await store.recover()).toMatchObject({ outcome: "recovered", skipped: [] })
  })
})
