import assert from "node:assert/strict"
import type { CheckpointStore, ObjectBackend, ObjectMeta, StoreOperations } from "@ckpt/core"
import { intercept } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { claimsIn } from "../history/claim-support.js"
import { assertRecovers, listAll, listedIds, readAll, refusal, saveAll } from "../support.js"

/** Changes the first listing, or the first `count` of them, as a stale page would. */
const firstListing = (change: (metas: ObjectMeta[]) => ObjectMeta[], count = 1) => {
  let left = count
  return (backend: Parameters<typeof intercept>[0]) =>
    intercept(backend, {
      async around({ call }, proceed) {
        const answer = await proceed()
        return call === "list" && left-- > 0 ? change(answer as ObjectMeta[]) : answer
      },
    })
}

/** Does the work before each of the first `times` reads of the pointer, so after the listing before that read. */
const overtaking = (pointer: string, times: number, work: () => Promise<void>) => () => {
  let left = times
  return (backend: ObjectBackend) =>
    intercept(backend, {
      async around({ call, key }, proceed) {
        if (call === "get" && key === pointer && left-- > 0) await work()
        return proceed()
      },
    })
}

export const listingScenarios: readonly Scenario[] = [
  {
    name: "recovery: a listing that is behind the pointer is made again",
    async run({ open, keys, layout }) {
      await saveAll(await open(), 1, 2)
      const stale = () =>
        firstListing((metas) => metas.filter(({ key }) => key !== keys.manifest(2)), layout === "objects" ? 2 : 1)
      await assertRecovers(await open({ through: stale() }), 2)
      const only = () => firstListing((metas) => metas.filter(({ key }) => key !== keys.manifest(2)))
      assert.equal((await (await open({ through: only() })).loadLatest())?.checkpointId, 2)
      assert.deepEqual(await (await open({ through: only() })).ids(), [1, 2])
      assert.deepEqual(await listedIds(await open({ through: stale() })), [1, 2])
      const empty = () => firstListing(() => [], layout === "objects" ? 2 : 1)
      await assertRecovers(await open({ through: empty() }), 2)
      assert.equal(await (await open({ through: empty() })).nextId(), 3)
    },
  },
  {
    name: "recovery: the latest checkpoint is found although a listing and the look behind it are overtaken",
    layout: "objects",
    async run({ open, keys }) {
      const writer = await open()
      let id = 1
      await saveAll(writer, id)
      /**
       * A checkpoint is saved after the first listing, and another one after the look at the manifest that the pointer
       * then names. After that look, everything that the listing showed is gone.
       */
      const overtaken = () => {
        let looks = 0
        return (backend: Parameters<typeof intercept>[0]) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              const answer = await proceed()
              const isLook = call === "head" || (call === "list" && keys.pointer.startsWith(key))
              if (!isLook || ++looks > 2) return answer
              await saveAll(writer, ++id)
              if (looks === 2) await writer.prune({ last: 1 })
              return answer
            },
          })
      }
      assert.equal((await (await open({ through: overtaken() })).loadLatest())?.checkpointId, id)
      assert.deepEqual(await (await open({ through: overtaken() })).ids(), [id])
      const all = await listAll(await open({ through: overtaken() }))
      assert.deepEqual(
        all.map((one) => one.id),
        [id],
      )
      await assertRecovers(await open({ through: overtaken() }), 9)
    },
  },
  {
    name: "recovery: the checkpoint that the pointer names is removed before it is looked at: no reader steps back to an older one",
    async run({ open, keys }) {
      const writer = await open()
      await saveAll(writer, 1)
      await writer.pin(1, "kept")
      let id = 1
      /** One is saved after the listing. Before the look at its manifest, the next one is saved, and it is removed. */
      const removed = () => {
        let named: number | undefined
        return (backend: ObjectBackend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              if (call === "head" && named !== undefined && key === keys.manifest(named)) {
                named = undefined
                await saveAll(writer, ++id)
                await writer.prune({ last: 1 })
                looks++
              }
              const answer = await proceed()
              if (call !== "list" || !keys.pointer.startsWith(key) || lists++ > 0) return answer
              await saveAll(writer, ++id)
              named = id
              return answer
            },
          })
      }
      let lists = 0
      let looks = 0
      const reading = async <T>(read: (store: CheckpointStore) => Promise<T>): Promise<T> => {
        lists = looks = 0
        const answer = await read(await open({ through: removed() }))
        assert.equal(looks, 1)
        return answer
      }
      assert.equal((await reading((store) => store.loadLatest()))?.checkpointId, id)
      assert.deepEqual(await reading((store) => store.ids()), [1, id])
      assert.deepEqual(await reading(listedIds), [1, id])
      const { checkpoint, skipped } = await reading((store) => store.recover())
      assert.deepEqual([checkpoint?.id, skipped], [id, []])
    },
  },
  {
    name: "recovery: a writer that saves between each listing and its pointer, without end, keeps no reader from its answer",
    async run(context) {
      const { open, keys } = context
      const plain = await open()
      await saveAll(plain, 1)
      let id = 1
      const overtakenBy = async (writer: StoreOperations) => {
        const overtaken = overtaking(keys.pointer, Number.POSITIVE_INFINITY, () => saveAll(writer, ++id))
        const seen = id
        assert.ok(((await (await open({ through: overtaken() })).loadLatest())?.checkpointId ?? 0) >= seen)
        assert.ok(((await (await open({ through: overtaken() })).ids()).at(-1) ?? 0) >= seen)
        assert.ok(((await listedIds(await open({ through: overtaken() }))).at(-1) ?? 0) >= seen)
        const found = await (await open({ through: overtaken() })).recover()
        assert.ok((found.checkpoint?.id ?? 0) >= seen)
        assert.deepEqual(found.skipped, [])
      }
      await overtakenBy(plain)
      if (claimsIn(context) === undefined) return
      const leader = await plain.claim()
      await overtakenBy(leader)
      await leader.close()
    },
  },
  {
    name: "recovery: dozens of listings in a row of which nothing is left when the pointer is read",
    async run({ open, keys }) {
      const writer = await open()
      let id = 1
      await saveAll(writer, id)
      const saveAndPrune = async () => {
        await saveAll(writer, ++id)
        await writer.prune({ last: 1 })
      }
      const latest = async (find: (store: CheckpointStore) => Promise<number | undefined>, times = 12) => {
        const seen = id
        const overtaken = overtaking(keys.pointer, times, saveAndPrune)
        assert.ok(((await find(await open({ through: overtaken() }))) ?? 0) >= seen)
      }
      await latest(async (store) => (await store.loadLatest())?.checkpointId)
      await latest(async (store) => (await store.ids()).at(-1), 40)
      await latest(async (store) => (await listedIds(store)).at(-1))
      await latest(async (store) => (await store.recover()).checkpoint?.id)
    },
  },
  {
    name: "recovery: recover lists once more before it says fresh or exhausted",
    async run({ open, raw, keys }) {
      await saveAll(await open(), 1)
      await raw.delete([keys.pointer])
      await assertRecovers(await open({ through: firstListing(() => [], 1) }), 1)
    },
  },
  {
    name: "recovery: a state that the listing of states lacks is looked for by itself",
    async run({ open, keys }) {
      await saveAll(await open(), 1, 2)
      const blind = () => firstListing((metas) => metas.filter(({ key }) => key !== keys.state(2)), 9)
      await assertRecovers(await open({ through: blind() }), 2)
      const shallow = await (await open({ through: blind() })).recover({ depth: "shallow" })
      assert.equal(shallow.checkpoint?.id, 2)
      const all = await listAll(await open({ through: blind() }))
      assert.deepEqual(
        all.map(({ id, valid }) => [id, valid]),
        [
          [1, true],
          [2, true],
        ],
      )
    },
  },
  {
    name: "recovery: a manifest that is listed but gone is not skipped as damaged",
    async run({ open, keys }) {
      await saveAll(await open(), 1, 2)
      const ghost = () =>
        firstListing((metas) => {
          const one = metas.find(({ key }) => key === keys.manifest(2)) as ObjectMeta
          return [...metas, { ...one, key: keys.manifest(9) }]
        })
      const found = await assertRecovers(await open({ through: firstOnly(ghost(), keys.manifest(2)) }), 2)
      assert.deepEqual(found.skipped, [])
      assert.equal(found.nextId, 3)
      const store = await open({ through: firstOnly(ghost(), keys.manifest(2)) })
      assert.equal((await store.loadLatest())?.checkpointId, 2)
      const all = await listAll(await open({ through: firstOnly(ghost(), keys.manifest(2)) }))
      assert.deepEqual(
        all.map(({ id }) => id),
        [1, 2],
      )
    },
  },
  {
    name: "recovery: a listing may be in any order and show a key twice",
    async run({ open }) {
      await saveAll(await open(), 9, 10, 11, 100)
      const odd = firstListing((metas) => [...metas].reverse().concat(metas), Number.POSITIVE_INFINITY)
      const store = await open({ through: odd })
      assert.deepEqual(await store.ids(), [9, 10, 11, 100])
      assert.deepEqual(await listedIds(store), [9, 10, 11, 100])
      await assertRecovers(store, 100)
      assert.deepEqual((await store.prune({ last: 1 })).removed, [9, 10, 11])
    },
  },
  {
    name: "recovery: a checkpoint that is pruned between listing and reading is passed over, not corrupt",
    async run({ open, keys }) {
      const writer = await open()
      await saveAll(writer, 1, 2)
      // An older one stays, to which a reader would step back that takes the pruned one for damaged.
      await writer.pin(1, "kept")
      let id = 2
      for (const key of [keys.manifest, keys.state]) {
        const victim = id
        let done = false
        const reader = await open({
          through: (backend) =>
            intercept(backend, {
              async around(info, proceed) {
                if (!done && info.call === "get" && info.key === key(victim)) {
                  done = true
                  await saveAll(writer, victim + 1)
                  await writer.prune({ last: 1 })
                }
                return proceed()
              },
            }),
        })
        const found = await assertRecovers(reader, victim + 1)
        assert.deepEqual(found.skipped, [])
        id = victim + 1
      }
      const found = await writer.recover()
      await saveAll(writer, id + 1)
      await writer.prune({ last: 1 })
      await refusal(readAll(await found.checkpoint?.state()), "CKPT_PRUNED", id)
    },
  },
  {
    name: "recovery: a checkpoint that is pruned while it is read is not damaged, also where a late request has put its manifest back",
    async run({ open, keys, peek, plant }) {
      const writer = await open()
      await saveAll(writer, 1, 2)
      await writer.pin(1, "kept")
      const manifest = (await peek(keys.manifest(2))) as Uint8Array
      let done = false
      const reader = await open({
        through: (backend) =>
          intercept(backend, {
            async around(info, proceed) {
              if (!done && info.call === "get" && info.key === keys.state(2)) {
                done = true
                await saveAll(writer, 3)
                await writer.prune({ last: 1 })
                await plant(keys.manifest(2), manifest)
              }
              return proceed()
            },
          }),
      })
      const { skipped } = await assertRecovers(reader, 3)
      assert.deepEqual(skipped, [])
    },
  },
  {
    name: "recovery: the state of a pruned checkpoint is CKPT_PRUNED, also where a late request has put its manifest back",
    async run({ open, keys, peek, plant }) {
      const writer = await open()
      await saveAll(writer, 1, 2)
      const manifest = (await peek(keys.manifest(2))) as Uint8Array
      const { checkpoint } = await writer.recover()
      const state = await writer.readState(2)
      await saveAll(writer, 3)
      await writer.prune({ last: 1 })
      await plant(keys.manifest(2), manifest)
      await refusal(readAll(await checkpoint?.state()), "CKPT_PRUNED", 2)
      await refusal(readAll(state), "CKPT_PRUNED", 2)
    },
  },
]

/** Applies only to listings that show this key, so that the listing of states stays as it is. */
function firstOnly(through: (backend: Parameters<typeof intercept>[0]) => ReturnType<typeof intercept>, key: string) {
  return (backend: Parameters<typeof intercept>[0]) => {
    const changed = through(backend)
    return {
      ...intercept(backend, {}),
      async *list(prefix: string, options?: { signal?: AbortSignal | undefined }) {
        const plain: ObjectMeta[] = []
        for await (const meta of backend.list(prefix, options)) plain.push(meta)
        yield* plain.some((meta) => meta.key === key) ? changed.list(prefix, options) : plain
      },
    }
  }
}
