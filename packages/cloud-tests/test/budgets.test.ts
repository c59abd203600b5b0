import type { CheckpointStore, StoreOptions } from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { budgets, type Counts } from "./budgets.js"
import { clouds } from "./clouds/all.js"
import type { Cloud } from "./clouds/cloud.js"
import { ProxiedBucket } from "./clouds/proxied.js"
import { manifestOf, stateOf } from "./faults/operations.js"

/** How many requests delete so many objects. On GCS a request deletes one object, elsewhere a batch. */
const deletes = (cloud: Cloud, objects: number) => (cloud.name === "gcs" ? objects : 1)

async function requestsOf(
  cloud: Cloud,
  run: (store: CheckpointStore, at: ProxiedBucket) => Promise<unknown>,
  before: (store: CheckpointStore, at: ProxiedBucket) => Promise<unknown> = async () => {},
  options: StoreOptions = {},
): Promise<Counts> {
  await using at = await ProxiedBucket.create(cloud)
  const store = await at.open(options)
  // The steady state: the storage was probed, and the pointer was read.
  await store.save(manifestOf(1), { state: stateOf(1) })
  await before(store, at)
  at.proxy.resetCounts()
  await run(store, at)
  return at.counts()
}

const save = (store: CheckpointStore, id: number) => store.save(manifestOf(id), { state: stateOf(id) })
/** The first pin creates the history. */
async function withHistory(store: CheckpointStore): Promise<void> {
  await store.pin(1, "first")
  await store.unpin("first")
}
const ids = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
const saveAll = (store: CheckpointStore, all: number[]) => Promise.all(all.map((id) => save(store, id)))

describe.each(clouds.map((cloud) => ({ name: cloud.name, cloud })))("requests on the wire, $name", ({ cloud }) => {
  test("the first save: the check of the storage, a look for pointer and history, and the save", async () => {
    await using at = await ProxiedBucket.create(cloud)
    await (await at.open()).save(manifestOf(1))
    const check = {
      s3: { put: 4, begin: 2, part: 2, completion: 2, get: 1, list: 1, delete: 1, other: 2 },
      azure: { put: 4, part: 2, completion: 2, head: 1, get: 1, list: 1, delete: 1 },
      gcs: { put: 4, begin: 2, get: 1, list: 1, delete: 1 },
    }[cloud.name]
    expect(at.counts()).toEqual({ ...check, put: check.put + 2, get: check.get + 3 })
  })

  test("save: manifest; then the history, beside the pointer", async () => {
    expect(await requestsOf(cloud, (store) => store.save(manifestOf(2)))).toEqual(budgets.save[cloud.name])
  })

  test("save with state: state, manifest, history, pointer", async () => {
    expect(await requestsOf(cloud, (store) => save(store, 2))).toEqual(budgets.saveWithState[cloud.name])
  })

  test("retention after a save: listings, the new manifest, the history, then the oldest manifest and its state", async () => {
    const run = async (store: CheckpointStore, at: ProxiedBucket) => {
      await save(store, 4)
      await store.close()
      return at
    }
    const before = async (store: CheckpointStore) => {
      await saveAll(store, [2])
      // Retention has removed something before: the history is there, and what is kept was read.
      await save(store, 3)
      await store.list({ last: 1 }).toArray()
    }
    const both: Counts = {}
    for (const budget of [budgets.saveWithState[cloud.name], budgets.retention[cloud.name]] as Counts[]) {
      for (const [kind, count] of Object.entries(budget) as [keyof Counts, number][]) {
        both[kind] = (both[kind] ?? 0) + count
      }
    }
    expect(await requestsOf(cloud, run, before, { retain: { last: 2 } })).toEqual(both)
  })

  test("loadLatest: one listing; manifest, history, pointer", async () => {
    expect(await requestsOf(cloud, (store) => store.loadLatest())).toEqual(budgets.loadLatest[cloud.name])
  })

  test("recover: two listings; history, pointer, manifest, state", async () => {
    expect(await requestsOf(cloud, (store) => store.recover())).toEqual(budgets.recover[cloud.name])
  })

  test("recover past three that are damaged: manifest and state of each", async () => {
    const counts = await requestsOf(
      cloud,
      (store) => store.recover(),
      async (store, at) => {
        await saveAll(store, [2, 3, 4])
        for (const id of [2, 3, 4]) await at.plant(`manifests/manifest-00000${id}.json`, "damaged")
      },
    )
    expect(counts).toEqual({ list: 2, get: 2 + 2 * 4 })
  })

  test("list of 100: one listing per prefix, history and pointer, and each manifest once", async () => {
    const all = async (store: CheckpointStore) => {
      for await (const _ of store.list()) {
        // Only the number of requests matters here.
      }
    }
    const counts = await requestsOf(cloud, all, (store) => saveAll(store, ids(2, 100)))
    expect(counts).toEqual({ list: 2, get: 102 })
  })

  test("prune of 90 of 100: listings, manifests, the history, then manifests and states in batches", async () => {
    const counts = await requestsOf(
      cloud,
      (store) => store.prune({ last: 10 }),
      async (store) => {
        await saveAll(store, ids(2, 100))
        await withHistory(store)
      },
    )
    expect(counts).toEqual({ list: 2, get: 100, put: 1, delete: 2 * deletes(cloud, 90) })
  })

  test("collectOrphans of 20: the clock, the latest, the history, two listings, a checkpoint below the orphans, leftovers where there are any, the floor, one batch", async () => {
    const counts = await requestsOf(
      cloud,
      (store) => store.collectOrphans({ olderThanMs: 0 }),
      async (store, at) => {
        await save(store, 50)
        await withHistory(store)
        for (const id of ids(10, 29)) await at.plant(`checkpoints/state-0000${id}.bin`, "an orphan")
      },
    )
    // A listing tells the storage's clock. Only on S3 unfinished uploads are listed, under both prefixes.
    const leftovers = cloud.name === "s3" ? { other: 2 } : {}
    expect(counts).toEqual({ list: 3, get: 3, head: 1, put: 1, delete: deletes(cloud, 20), ...leftovers })
  })

  test("update: manifest and history are read, the manifest is swapped, the history is read again", async () => {
    expect(await requestsOf(cloud, (store) => store.update(1, (current) => ({ ...current, epoch: 7 })))).toEqual(
      budgets.update[cloud.name],
    )
  })

  test("a save of 10 MiB: parts, completion, manifest, history, pointer", async () => {
    const state = new Uint8Array(10 * 1024 * 1024)
    const counts = await requestsOf(cloud, (store) => store.save(manifestOf(2), { state }))
    expect(counts).toEqual(budgets.saveOf10MiB[cloud.name])
  })
})
