import assert from "node:assert/strict"
import type { IssueCode, ObjectBackend, ObjectMeta } from "@ckpt/core"
import { intercept } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { claimed, claimingInHistory } from "../history/claim-support.js"
import { assertRecovers, listedIds, pointerTo, refusal, saveAll } from "../support.js"

type File = "manifest" | "state" | "pointer"

/** What happens to a file; `undefined` removes it. */
const ways = {
  missing: () => undefined,
  empty: () => new Uint8Array(0),
  "cut in half": (good: Uint8Array) => good.subarray(0, good.length / 2),
  "all zeros": (good: Uint8Array) => new Uint8Array(good.length),
} as const satisfies Record<string, (good: Uint8Array) => Uint8Array | undefined>

type Way = keyof typeof ways

/**
 * Damages of the newest checkpoint's files, and how each is told: by an issue of checkpoint 3, which is passed over, or
 * by an event. `nothing`: checkpoint 3 is recovered, so there is nothing to tell.
 */
const damages: readonly [Partial<Record<File, Way>>, told: IssueCode | "event" | "nothing", recovered: 2 | 3][] = [
  [{ manifest: "missing" }, "manifest-missing", 2],
  [{ manifest: "empty" }, "manifest-corrupt", 2],
  [{ manifest: "cut in half" }, "manifest-corrupt", 2],
  [{ manifest: "all zeros" }, "manifest-corrupt", 2],
  [{ state: "missing" }, "state-missing", 2],
  [{ state: "empty" }, "state-size", 2],
  [{ state: "cut in half" }, "state-size", 2],
  [{ state: "all zeros" }, "state-checksum", 2],
  [{ manifest: "missing", state: "missing" }, "manifest-missing", 2],
  [{ manifest: "missing", pointer: "all zeros" }, "event", 2],
  [{ pointer: "missing" }, "nothing", 3],
  [{ pointer: "empty" }, "event", 3],
  [{ pointer: "cut in half" }, "event", 3],
  [{ pointer: "all zeros" }, "event", 3],
]

async function damage({ keys, peek, plant, raw }: ScenarioContext, file: File, way: Way): Promise<void> {
  const key = file === "pointer" ? keys.pointer : keys[file](3)
  const bytes = ways[way]((await peek(key)) as Uint8Array)
  if (bytes === undefined) await raw.delete([key])
  else await plant(key, bytes)
}

const lostFiles = damages.map(([files, told, recovered]): Scenario => {
  const parts = Object.entries(files) as [File, Way][]
  return {
    name: `recovery: the newest ${parts.map(([file, way]) => `${file} is ${way}`).join(", the ")}: told by ${told}`,
    async run(context) {
      const { open, events, keys } = context
      await saveAll(await open(), 1, 2, 3)
      for (const [file, way] of parts) await damage(context, file, way)
      events.length = 0
      const store = await open()
      const found = await assertRecovers(store, recovered)
      const isSkipped = told !== "event" && told !== "nothing"
      assert.deepEqual(
        found.skipped.map(({ id, key, issues }) => [id, key, issues.map(({ code }) => code)]),
        isSkipped ? [[3, keys.manifest(3), [told]]] : [],
      )
      assert.equal(found.examined, isSkipped ? 2 : 1)
      const codes = events.flatMap((event) => (event.type === "skipped" ? event.issues.map(({ code }) => code) : []))
      assert.deepEqual(codes, isSkipped ? [told] : [])
      assert.equal(
        events.some(({ type }) => type === "pointer-unreadable"),
        told === "event",
      )
      const next = Math.max(found.nextId, 4)
      await saveAll(store, next)
      assert.deepEqual((await assertRecovers(await open(), next)).skipped, [])
    },
  }
})

/** The same damages of a leader's checkpoint: a manifest that cannot be read must not pass for a superseded writer's. */
const lostFilesOfLeaders = damages
  .filter(([files]) => files.pointer === undefined)
  .map(([files, told]): Scenario => {
    const parts = Object.entries(files) as [File, Way][]
    const named = parts.map(([file, way]) => `${file} is ${way}`).join(", the ")
    return claimingInHistory(`the leader's newest ${named}: told by ${told}`, async (context) => {
      await leaderAfterAnother(context)
      for (const [file, way] of parts) await damage(context, file, way)
      const found = await assertRecovers(await context.open(), 2)
      assert.deepEqual(
        found.skipped.map(({ id, issues }) => [id, issues.map(({ code }) => code)]),
        [[3, [told]]],
      )
    })
  })

/** A leader that saved 3, after another leader saved 1 and 2. */
async function leaderAfterAnother(context: ScenarioContext) {
  await saveAll(await claimed(context), 1, 2)
  const leader = await claimed(context)
  await leader.recover()
  await saveAll(leader, 3)
  return leader
}

/** A listing that never shows these keys, as if it lagged far behind. */
function blindTo(...hidden: string[]) {
  return (backend: Parameters<typeof intercept>[0]) =>
    intercept(backend, {
      async around({ call }, proceed) {
        const answer = await proceed()
        return call === "list" ? (answer as ObjectMeta[]).filter(({ key }) => !hidden.includes(key)) : answer
      },
    })
}

async function assertSeesAll(context: ScenarioContext, through: ReturnType<typeof blindTo>, ids: number[]) {
  const newest = ids.at(-1) as number
  const store = await context.open({ through })
  assert.equal((await store.load(newest))?.checkpointId, newest)
  assert.deepEqual((await assertRecovers(store, newest)).skipped, [])
  assert.equal((await store.restore(async () => 1)).checkpoint?.id, newest)
  assert.equal((await store.loadLatest())?.checkpointId, newest)
  assert.deepEqual([await store.ids(), await listedIds(store)], [ids, ids])
}

export const newestScenarios: readonly Scenario[] = [
  ...lostFiles,
  ...lostFilesOfLeaders,
  {
    name: "recovery: the checkpoint that the pointer names is found although no listing shows it",
    async run(context) {
      const { open, keys, plant } = context
      await saveAll(await open(), 1, 2, 3)
      await assertSeesAll(context, blindTo(keys.manifest(3), keys.state(3)), [1, 2, 3])
      // A stray manifest above it does not hide the gap.
      await plant(keys.manifest(9), "garbage")
      const found = await assertRecovers(await open({ through: blindTo(keys.manifest(3)) }), 3)
      assert.deepEqual(
        found.skipped.map(({ id }) => id),
        [9],
      )
    },
  },
  {
    name: "retention: a checkpoint that the pointer names, and that no listing shows, stays if the policy keeps it",
    async run({ open, keys, plant, layout }) {
      await saveAll(await open(), 1, 2, 3, 4, 5)
      // As after two saves that could not move the pointer.
      await plant(keys.pointer, pointerTo(layout, 3))
      const store = await open({ through: blindTo(keys.manifest(3), keys.state(3)) })
      const { removed, kept } = await store.prune({ every: 3 })
      assert.deepEqual(
        [removed, kept],
        [
          [1, 2, 4],
          [3, 5],
        ],
      )
      assert.deepEqual(await (await open()).ids(), [3, 5])
    },
  },
  {
    name: "loadLatest: the only checkpoint is lost, and the pointer names it: CKPT_CORRUPT, never `undefined`",
    async run({ open, keys, raw }) {
      await saveAll(await open(), 1)
      await raw.delete([keys.manifest(1)])
      const store = await open()
      const error = await refusal(store.loadLatest(), "CKPT_CORRUPT")
      assert.equal(error.checkpointId, 1)
      assert.equal((await store.recover()).outcome, "exhausted")
    },
  },
  {
    name: "recovery: a lost checkpoint is told below a damaged one, and above the recovered one",
    async run({ open, keys, plant, raw, events }) {
      await saveAll(await open(), 1, 2, 3)
      await raw.delete([keys.manifest(3)])
      await plant(keys.manifest(9), "garbage")
      const store = await open()
      const found = await assertRecovers(store, 2)
      assert.deepEqual(
        found.skipped.map(({ id, issues }) => [id, issues[0]?.code]),
        [
          [9, "manifest-corrupt"],
          [3, "manifest-missing"],
        ],
      )
      assert.deepEqual([found.examined, found.nextId], [3, 10])
      await raw.delete([keys.manifest(9)])
      events.length = 0
      assert.equal((await store.loadLatest())?.checkpointId, 2)
      assert.deepEqual(
        events.flatMap((event) => (event.type === "skipped" ? [event.id] : [])),
        [3],
      )
    },
  },
  {
    name: "recovery: ids and list tell of a lost checkpoint that the pointer names, unless they show a later one",
    async run({ open, keys, raw, events }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await raw.delete([keys.manifest(3)])
      const told = async (read: () => Promise<number[]>, ids: number[]) => {
        events.length = 0
        assert.deepEqual(await read(), ids)
        return events.flatMap((event) =>
          event.type === "skipped" ? [[event.id, event.key, event.issues[0]?.code]] : [],
        )
      }
      const lost = [3, keys.manifest(3), "manifest-missing"]
      assert.deepEqual(await told(() => store.ids(), [1, 2]), [lost])
      assert.deepEqual(await told(() => listedIds(store), [1, 2]), [lost])
      await raw.delete([keys.manifest(1), keys.manifest(2)])
      assert.deepEqual(await told(() => store.ids(), []), [lost])
      assert.deepEqual(await told(() => listedIds(store), []), [lost])
      await saveAll(store, 4)
      assert.deepEqual(await told(() => store.ids(), [4]), [])
      assert.deepEqual(await told(() => listedIds(store), [4]), [])
    },
  },
  {
    name: "recovery: list tells of a lost checkpoint although a listing that lags still shows it",
    async run({ open, keys, raw, events }) {
      await saveAll(await open(), 1, 2, 3)
      const shown = (await raw.head(keys.manifest(3))) as ObjectMeta
      const ghosts = (times: number) => {
        let left = times
        return (backend: ObjectBackend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              const answer = await proceed()
              const isListing = call === "list" && shown.key.startsWith(key)
              return isListing && left-- > 0 ? [...(answer as ObjectMeta[]), shown] : answer
            },
          })
      }
      const told = () => events.flatMap((event) => (event.type === "skipped" ? [event.id] : []))
      await raw.delete([keys.manifest(3)])
      assert.deepEqual(await listedIds(await open({ through: ghosts(1) })), [1, 2])
      assert.deepEqual(told(), [3])
      events.length = 0
      assert.deepEqual(await listedIds(await open({ through: ghosts(3) })), [1, 2])
      assert.deepEqual(told(), [3])
      const forEver = await open({ through: ghosts(Number.POSITIVE_INFINITY) })
      await refusal(listedIds(forEver), "CKPT_IO")
      await refusal(forEver.recover(), "CKPT_IO")
    },
  },
  {
    name: "recovery: list says nothing of a checkpoint that is removed while it reads, after a newer one was saved",
    async run({ open, keys, events }) {
      const writer = await open()
      await saveAll(writer, 1, 2)
      let done = false
      const reader = await open({
        through: (backend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              if (!done && call === "get" && key === keys.manifest(2)) {
                done = true
                await saveAll(writer, 3)
                await writer.prune({ last: 1 })
              }
              return proceed()
            },
          }),
      })
      await listedIds(reader)
      assert.ok(done)
      assert.equal(
        events.some(({ type }) => type === "skipped"),
        false,
      )
    },
  },
  {
    name: "recovery: a removed checkpoint that the pointer still names is not told if a newer one is recovered",
    async run({ open, keys, plant, raw, layout }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      assert.equal(await store.remove(1), true)
      // As the reference leaves it: it saved 3 and died before it moved its pointer, and its prune took 2.
      await plant(keys.pointer, pointerTo(layout, 2))
      await raw.delete([keys.manifest(2), keys.state(2)])
      const found = await assertRecovers(await open(), 3)
      assert.deepEqual([found.skipped, found.examined], [[], 1])
    },
  },
  {
    name: "recovery: a store that the reference emptied is exhausted, and says which checkpoint its pointer names",
    async run({ open, keys, raw }) {
      await saveAll(await open(), 1, 2)
      await raw.delete([1, 2].flatMap((id) => [keys.manifest(id), keys.state(id)]))
      const found = await (await open()).recover()
      assert.deepEqual(
        [found.outcome, found.skipped.map(({ id, issues }) => [id, issues[0]?.code]), found.examined, found.nextId],
        ["exhausted", [[2, "manifest-missing"]], 1, 3],
      )
    },
  },
  claimingInHistory(
    "a lost checkpoint of a leader is told, and one that no listing shows is found",
    async (context) => {
      const { open, keys, raw } = context
      const old = await claimed(context)
      await saveAll(old, 1, 2)
      const leader = await claimed(context)
      await leader.recover()
      await saveAll(leader, 3)
      await assertSeesAll(context, blindTo(keys.manifest(3)), [1, 2, 3])
      const next = await claimed(context, { through: blindTo(keys.manifest(3)) })
      assert.deepEqual((await assertRecovers(next, 3)).skipped, [])
      await raw.delete([keys.manifest(3), keys.state(3)])
      const found = await assertRecovers(await open(), 2)
      assert.deepEqual(
        found.skipped.map(({ id, issues }) => [id, issues[0]?.code]),
        [[3, "manifest-missing"]],
      )
    },
  ),
  claimingInHistory(
    "a manifest of a superseded writer that was copied over the leader's is damage",
    async (context) => {
      const { open, keys, peek, plant } = context
      const leader = await leaderAfterAnother(context)
      await plant(keys.manifest(3), (await peek(keys.manifest(1))) as Uint8Array)
      const found = await assertRecovers(await open(), 2)
      assert.deepEqual(
        found.skipped.map(({ id, issues }) => [id, issues.map(({ code }) => code)]),
        [[3, ["id-mismatch"]]],
      )
      // Retention cannot judge it, so it stays until as many valid checkpoints lie above it as the policy keeps.
      await saveAll(leader, 4)
      assert.deepEqual((await leader.prune({ last: 2 })).removed, [1])
      await saveAll(leader, 5)
      assert.deepEqual((await leader.prune({ last: 2 })).removed, [2, 3])
    },
  ),
]
