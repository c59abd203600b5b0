import { describe, expect, test } from "vitest"
import { clouds } from "./clouds/all.js"
import type { Cloud } from "./clouds/cloud.js"
import { mapLimit } from "./clouds/limit.js"
import { ProxiedBucket } from "./clouds/proxied.js"
import { manifestOf } from "./faults/operations.js"

/** The most keys that one page of a listing holds. Azure would give 5,000, but is asked for this many. */
const pageSize = 1000

/** The page without the entries that fit. The token of the next page stays. */
function withoutEntries(cloud: Cloud, page: Buffer, gone: (entry: string) => boolean): string {
  const text = page.toString()
  if (cloud.name === "gcs") {
    const json = JSON.parse(text) as { items?: { name: string }[] }
    return JSON.stringify({ ...json, items: json.items?.filter(({ name }) => !gone(name)) })
  }
  const entries = cloud.name === "s3" ? /<Contents>.*?<\/Contents>/gs : /<Blob>.*?<\/Blob>/gs
  return text.replace(entries, (entry) => (gone(entry) ? "" : entry))
}

const isList = (cloud: Cloud) => (request: Parameters<Cloud["see"]>[0]) => cloud.see(request).kind === "list"

describe.each(clouds.map((cloud) => ({ name: cloud.name, cloud })))("listings of two pages, $name", ({ cloud }) => {
  test("come whole or not at all", async () => {
    await using at = await ProxiedBucket.create(cloud)
    const count = pageSize + 1
    const ids = Array.from({ length: count }, (_, index) => index + 1)
    await using backend = cloud.openBackend({ endpoint: cloud.endpoint, bucket: at.bucket })
    const bytes = new TextEncoder().encode("{}")
    await mapLimit(ids, 32, (id) => backend.put(`manifests/manifest-${String(id).padStart(6, "0")}.json`, [bytes]))

    const store = await at.open()
    expect(await store.ids()).toEqual(ids)
    expect(at.counts()).toMatchObject({ list: 2 })

    // The second page fails once: the listing starts again.
    at.proxy.inject({ when: isList(cloud), skip: 1, times: 1, fault: { kind: "status", status: 503 } })
    expect(await store.ids()).toEqual(ids)
    at.proxy.clear()

    // It always fails: an error, never a short list.
    let pages = 0
    const second = () => pages++ % 2 === 1
    at.proxy.inject({ when: isList(cloud), fault: () => (second() ? { kind: "status", status: 503 } : undefined) })
    await expect(store.ids()).rejects.toMatchObject({ code: "CKPT_IO" })
    at.proxy.clear()

    // The second page is always the first page again: an error, not an endless listing.
    let first: Buffer | undefined
    at.proxy.inject({
      when: isList(cloud),
      fault: {
        kind: "replace-answer",
        body: ({ body }) => {
          first ??= body
          return first
        },
      },
    })
    at.proxy.resetCounts()
    await expect(store.ids()).rejects.toMatchObject({ code: "CKPT_IO" })
    expect(at.proxy.requests.length).toBeLessThan(20)
    at.proxy.clear()

    // The first page is empty, and has a next page: the keys of the next page are found.
    at.proxy.inject({
      when: isList(cloud),
      times: 1,
      fault: { kind: "replace-answer", body: ({ body }) => withoutEntries(cloud, body, () => true) },
    })
    expect(await store.ids()).toEqual([count])
  })

  // Only on GCS, where to put so many objects takes no more than seconds.
  if (cloud.name === "gcs")
    test("10,001 keys, in eleven pages", async () => {
      await using at = await ProxiedBucket.create(cloud)
      const ids = Array.from({ length: 10_001 }, (_, index) => index + 1)
      await using backend = cloud.openBackend({ endpoint: cloud.endpoint, bucket: at.bucket })
      const bytes = new TextEncoder().encode("{}")
      await mapLimit(ids, 32, (id) => backend.put(`manifests/manifest-${String(id).padStart(6, "0")}.json`, [bytes]))
      expect(await (await at.open()).ids()).toEqual(ids)
      expect(at.counts()).toMatchObject({ list: 11 })
    })

  test("a stale page that lacks the latest: it is found all the same", async () => {
    await using at = await ProxiedBucket.create(cloud)
    const store = await at.open()
    for (const id of [1, 2, 3]) await store.save(manifestOf(id))
    const latest = /manifest-000003/
    const stale = {
      when: isList(cloud),
      fault: {
        kind: "replace-answer",
        body: ({ body }: { body: Buffer }) => withoutEntries(cloud, body, (entry) => latest.test(entry)),
      },
      times: 1,
    } as const
    at.proxy.inject(stale)
    expect((await store.loadLatest())?.checkpointId).toBe(3)
    at.proxy.inject({
      ...stale,
      when: (request) => isList(cloud)(request) && request.query.get("prefix") === "manifests/",
    })
    expect((await store.recover()).checkpoint?.id).toBe(3)
  })
})
