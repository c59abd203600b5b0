import type { CheckpointStore } from "@ckpt/core"
import type { ProxiedRequest } from "@ckpt/fault-proxy"
import { describe, expect, test } from "vitest"
import { clouds } from "./clouds/all.js"
import type { Cloud } from "./clouds/cloud.js"
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

/** The bytes of each range in which a large state is read. */
const rangeBytes = { s3: 8 * MiB, azure: 4 * MiB, gcs: 8 * MiB }

const rangesOf = (cloud: Cloud) => {
  const bytes = rangeBytes[cloud.name]
  return Array.from({ length: Math.ceil(size / bytes) }, (_, index) => [
    index * bytes,
    Math.min(size, (index + 1) * bytes) - 1,
  ])
}

/** The first and the last byte of each request; empty for a request of the whole object. */
function rangeOf({ headers }: ProxiedRequest): number[] {
  const header = headers["x-ms-range"] ?? headers["range"] ?? ""
  return (/^bytes=(\d+)-(\d+)$/.exec(String(header)) ?? []).slice(1).map(Number)
}

const ascending = (ranges: number[][]) => [...ranges].sort(([a = -1], [b = -1]) => a - b)

describe.each(clouds.map((cloud) => ({ name: cloud.name, cloud })))("large states, $name", ({ cloud }) => {
  async function saved() {
    const at = await ProxiedBucket.create(cloud)
    const state = pattern()
    await (await at.openDirect()).save(manifestOf(2), { state })
    const store = await at.open()
    const read = async (from: CheckpointStore = store) => {
      const bytes = await (await from.readState(2))?.bytes()
      return bytes !== undefined && Buffer.compare(bytes, state) === 0
    }
    const asked = () =>
      at.proxy.requests.filter((request) => {
        const { kind, key } = cloud.see(request)
        return kind === "get" && key === stateKey
      })
    return { at, read, store, asked }
  }

  test("each range is asked for once", async () => {
    const { at, read, asked } = await saved()
    await using _ = at
    expect(await read()).toBe(true)
    expect(ascending(asked().map(rangeOf))).toEqual(rangesOf(cloud))
  })

  test("deep recovery reads in ranges too, since the listing tells the size", async () => {
    const { at, store, asked } = await saved()
    await using _ = at
    expect((await store.recover()).outcome).toBe("recovered")
    expect(ascending(asked().map(rangeOf))).toEqual(rangesOf(cloud))
  })

  test("a range that breaks off goes on by itself", async () => {
    const { at, read, asked } = await saved()
    await using _ = at
    const [first = 0, last = 0] = rangesOf(cloud)[1] ?? []
    at.proxy.inject({
      when: (request) => cloud.see(request).kind === "get" && rangeOf(request)[0] === first,
      fault: { kind: "reset-mid-answer", afterBytes: MiB },
      times: 1,
    })
    expect(await read()).toBe(true)
    const again = asked()
      .map(rangeOf)
      .filter(([from = 0, to]) => from >= first && to === last)
    expect(again.length).toBe(2)
    // The byte where it stopped depends on how much of the answer arrived before the reset.
    expect(again[1]?.[0]).toBeLessThanOrEqual(first + MiB)
    expect(asked().length).toBe(rangesOf(cloud).length + 1)
  })

  test("a byte that is damaged on its way is no damage of the checkpoint", async () => {
    const { at, store } = await saved()
    await using _ = at
    const [first = 0] = rangesOf(cloud)[1] ?? []
    at.proxy.inject({
      when: (request) => cloud.see(request).kind === "get" && rangeOf(request)[0] === first,
      fault: { kind: "corrupt-answer", at: 1000 },
      times: 1,
    })
    expect(await store.recover()).toMatchObject({ outcome: "recovered", skipped: [] })
  })
})
