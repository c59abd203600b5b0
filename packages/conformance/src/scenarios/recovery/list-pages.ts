import assert from "node:assert/strict"
import type { CheckpointStore, ListOptions, ObjectBackend } from "@ckpt/core"
import { intercept, recorder } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { claimed, claiming } from "../history/claim-support.js"
import { legacyManifest, listAll, manifestOf, range, refusal, saveAll } from "../support.js"

const idsOf = async (store: Pick<CheckpointStore, "list">, options: ListOptions) =>
  (await store.list(options).toArray()).map(({ id }) => id)

/** A part of the list: the latest ones, below an id. */
export const listPageScenarios: readonly Scenario[] = [
  {
    name: "recovery: list shows the latest ones, page by page, and reads no other manifest",
    async run({ open, keys }) {
      const ids = range(1, 40)
      await saveAll(await open(), ...ids)
      const { calls, through } = recorder()
      const store = await open({ through })
      const pages: number[][] = []
      let below: number | undefined
      do {
        const page = await idsOf(store, { last: 17, ...(below === undefined ? {} : { below }) })
        const reads = calls.splice(0).filter(({ call, key }) => call === "get" && /manifest(-\d+)?\.json$/.test(key))
        assert.deepEqual(new Set(reads.map(({ key }) => key)), new Set(page.map((id) => keys.manifest(id))))
        assert.equal(reads.length, page.length)
        pages.unshift(page)
        below = page[0]
      } while (below !== undefined)
      assert.deepEqual(pages, [[], range(1, 6), range(7, 23), range(24, 40)])
      assert.deepEqual(await idsOf(store, { below: 20 }), range(1, 19))
      assert.deepEqual(await idsOf(store, { last: 100 }), ids)
      assert.deepEqual(await store.list({ last: 2 }).toArray(), (await listAll(store)).slice(-2))
    },
  },
  {
    name: "recovery: a page of the list has damaged checkpoints with their issues, sinks and pins",
    async run({ open, keys, plant }) {
      const store = await open()
      const sinkNames = ["files", "topic"]
      await saveAll(store, 1)
      await store.save(
        manifestOf(2, {
          sinkNames,
          sinkCommitStatuses: { files: { status: "pending" }, topic: { status: "failed", message: "no room" } },
        }),
      )
      await store.pin(2, "kept")
      await saveAll(store, 3)
      await plant(keys.manifest(3), "no manifest")
      const page = await store.list({ last: 2 }).toArray()
      assert.deepEqual(
        page.map(({ id, valid, pins, sinks }) => ({ id, valid, pins, sinks: sinks && { ...sinks } })),
        [
          { id: 2, valid: true, pins: ["kept"], sinks: { files: "pending", topic: "failed" } },
          { id: 3, valid: false, pins: undefined, sinks: undefined },
        ],
      )
      assert.ok((page[1]?.issues.length ?? 0) > 0)
    },
  },
  claiming("a page of the list is full although a superseded writer's late checkpoints lie above", async (context) => {
    const { open, keys, plant } = context
    await saveAll(await open(), 1, 2, 3)
    const leader = await claimed(context)
    await saveAll(leader, 4, 5)
    // A writer without a claim, which was superseded, still writes them.
    for (const id of range(6, 30)) await plant(keys.manifest(id), legacyManifest(id))
    assert.deepEqual(await idsOf(leader, { last: 3 }), [3, 4, 5])
    assert.deepEqual(await idsOf(await open(), { last: 1, below: 5 }), [4])
  }),
  {
    name: "recovery: a page of the list ends with the latest checkpoint, though retention removes the one that it listed",
    async run({ open, keys }) {
      const writer = await open()
      await saveAll(writer, 1, 2)
      let isFirst = true
      const through = (backend: ObjectBackend) =>
        intercept(backend, {
          async around({ call, key }, proceed) {
            if (call === "get" && key === keys.manifest(2) && isFirst) {
              isFirst = false
              await saveAll(writer, 3)
              await writer.prune({ last: 1 })
            }
            return proceed()
          },
        })
      assert.deepEqual(await idsOf(await open({ through }), { last: 1 }), [3])
      assert.equal(isFirst, false)
    },
  },
  claiming(
    "a list ends with the latest checkpoint, though retention removes the one that it listed, below a superseded writer's",
    async (context) => {
      const { open, keys, plant } = context
      await saveAll(await open(), 1, 2)
      const leader = await claimed(context)
      await saveAll(leader, 3)
      for (const { options, goes, superseded, next } of [
        { options: { last: 1 }, goes: 3, superseded: 4, next: 5 },
        { options: {}, goes: 5, superseded: 6, next: 7 },
      ]) {
        await plant(keys.manifest(superseded), legacyManifest(superseded))
        let isFirst = true
        const through = (backend: ObjectBackend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              if (call === "get" && key === keys.manifest(goes) && isFirst) {
                isFirst = false
                await saveAll(leader, next)
                await leader.prune({ last: 1 })
              }
              return proceed()
            },
          })
        assert.equal((await idsOf(await open({ through }), options)).at(-1), next)
        assert.equal(isFirst, false)
      }
    },
  ),
  {
    name: "recovery: a list over a storage that lists a lost checkpoint for ever is CKPT_IO",
    async run({ open, keys, raw }) {
      await saveAll(await open(), 1, 2)
      const shown = new Map<string, unknown>()
      const through = (backend: ObjectBackend) =>
        intercept(backend, {
          async around({ call, key }, proceed) {
            if (call !== "list") return proceed()
            if (!shown.has(key)) shown.set(key, await proceed())
            return shown.get(key)
          },
        })
      const store = await open({ through })
      for (const options of [{}, { last: 1 }]) assert.deepEqual((await idsOf(store, options)).at(-1), 2)
      await raw.delete([keys.manifest(2)])
      for (const options of [{}, { last: 1 }]) await refusal(store.list(options).toArray(), "CKPT_IO")
    },
  },
  {
    name: "recovery: a page that cannot be meant is CKPT_INVALID",
    async run({ open }) {
      const store = await open()
      for (const options of [{ last: 0 }, { last: 1.5 }, { below: -1 }, { last: "2" }, { limit: 2 }])
        await refusal(store.list(options as ListOptions).toArray(), "CKPT_INVALID")
      assert.deepEqual(await idsOf(store, { last: 1, below: 1 }), [])
    },
  },
]
