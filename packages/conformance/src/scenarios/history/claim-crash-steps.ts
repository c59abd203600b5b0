import assert from "node:assert/strict"
import type { CheckpointStore, LeaderStore } from "@ckpt/core"
import { LeapingClock } from "../../harness/clocks.js"
import { type CallInfo, calls, heldCall, intercept } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { assertRecovers, dies, historyAtRest, listedIds, manifestOf, refusal, saveAll } from "../support.js"
import { claimed, claimingInHistory, heldWrite, latestId } from "./claim-support.js"

/** Matches the n-th write of the history. */
function writeOfHistory({ keys }: ScenarioContext, n: number): (info: CallInfo) => boolean {
  let seen = 0
  return ({ call, key }) => call === "put" && key === keys.history && ++seen === n
}

/** A claim that was announced, by a process that died then. */
async function halfClaim(context: ScenarioContext): Promise<void> {
  await dies(context, "after", writeOfHistory(context, 1), (dying) => dying.claim())
  assert.ok((await historyAtRest(context))["claiming"] !== undefined)
}

const half = [
  ["after a claim was announced", "after", 1],
  ["before a claim was given", "before", 2],
] as const

/** A leader, or a process that is becoming one, dies after one step: what readers see, who may write, and what mends it. */
export const claimCrashScenarios: readonly Scenario[] = [
  claimingInHistory("leadership shows a claim that is being made, and who leads until then", async (context) => {
    await (await claimed(context)).release()
    await halfClaim(context)
    assert.deepEqual(await (await context.open()).leadership(), { epoch: 1, claiming: 2 })
  }),
  claimingInHistory("crash after the manifest of a leader: it counts, and the next claim keeps it", async (context) => {
    await dies(context, "after", calls("put", context.keys.manifest(2)), async (dying) => {
      await saveAll(await dying.claim(), 1, 2)
    })
    await assertRecovers(await context.open(), 2)
    const leader = await claimed(context)
    assert.equal((await assertRecovers(leader, 2)).nextId, 3)
    await saveAll(leader, 3)
    assert.deepEqual(await listedIds(await context.open()), [1, 2, 3])
  }),
  claimingInHistory("crash after the pointer of a leader: the checkpoint is the latest", async (context) => {
    let leads = false
    const isMove = ({ call, key }: CallInfo) => leads && call === "put" && key === context.keys.pointer
    await dies(context, "after", isMove, async (dying) => {
      const leader = await dying.claim()
      leads = true
      await saveAll(leader, 1)
    })
    await assertRecovers(await context.open(), 1)
    const leader = await claimed(context)
    assert.equal((await assertRecovers(leader, 1)).nextId, 2)
    await saveAll(leader, 2)
    assert.deepEqual(await listedIds(await context.open()), [1, 2])
  }),
  ...half.map(([where, at, write]) =>
    claimingInHistory(`crash ${where}: the writer from before goes on once it took the claim out`, async (context) => {
      const { events, keys, open } = context
      const plain = await open({ clock: new LeapingClock() })
      await saveAll(plain, 1, 2)
      await dies(context, at, writeOfHistory(context, write), (dying) => dying.claim())
      assert.ok((await historyAtRest(context))["claiming"] !== undefined)
      await assertRecovers(await open(), 2)
      // Its manifest is there at once; the answer waits for the claim to end.
      await saveAll(plain, 3)
      assert.equal((await historyAtRest(context))["claiming"], undefined)
      assert.deepEqual(
        events.filter(({ type }) => type === "claim-abandoned"),
        [{ type: "claim-abandoned", epoch: 1 }],
      )
      await plain.pin(1, "kept")
      const leader = await claimed(context)
      await assertRecovers(leader, 3)
      await refusal(plain.save(manifestOf(9)), "CKPT_FENCED")
      assert.ok((await context.allKeys()).includes(keys.manifest(3)))
    }),
  ),
  ...half.map(([where, at, write]) =>
    claimingInHistory(`crash ${where}: the next claim goes over it, and is higher`, async (context) => {
      const first = await claimed(context)
      await saveAll(first, 1, 2)
      await dies(context, at, writeOfHistory(context, write), (dying) => dying.claim())
      const leader = await claimed(context)
      assert.equal(leader.epoch, 3)
      await assertRecovers(leader, 2)
      await refusal(first.save(manifestOf(3)), "CKPT_FENCED")
      await saveAll(leader, await leader.nextId())
      assert.deepEqual(
        context.events.filter(({ type }) => type === "claim-abandoned"),
        [],
      )
    }),
  ),
  claimingInHistory("crash after a claim was given: nobody may write until the next claim", async (context) => {
    const plain = await context.open()
    await saveAll(plain, 1, 2)
    await dies(context, "after", writeOfHistory(context, 2), (dying) => dying.claim())
    assert.equal((await historyAtRest(context))["epoch"], 1)
    await assertRecovers(await context.open(), 2)
    // The plain writer may have a manifest under way. It lands above the floor, and counts for nobody.
    await refusal(plain.save(manifestOf(3)), "CKPT_FENCED")
    await refusal(plain.pin(1, "late"), "CKPT_FENCED")
    const leader = await claimed(context)
    await assertRecovers(leader, 2)
    const next = await leader.nextId()
    await saveAll(leader, next)
    assert.deepEqual(await listedIds(await context.open()), [1, 2, next])
  }),
  ...(
    [
      ["a prune", (store) => store.prune({ last: 1 })],
      ["a removal", (store) => store.remove(1)],
      ["a pin", (store) => store.pin(1, "kept")],
    ] as [string, (store: CheckpointStore) => Promise<unknown>][]
  ).map(([what, run]) =>
    claimingInHistory(`${what} that meets a half-made claim takes it out first`, async (context) => {
      const plain = await context.open({ clock: new LeapingClock() })
      await saveAll(plain, 1, 2)
      await halfClaim(context)
      await run(plain)
      assert.ok(context.events.some(({ type }) => type === "claim-abandoned"))
      const { claiming, epoch } = await historyAtRest(context)
      assert.deepEqual([claiming, epoch], [undefined, 0])
      await assertRecovers(await context.open(), 2)
    }),
  ),
  claimingInHistory("a claim that was taken out while it listed begins again, and leads", async (context) => {
    const plain = await context.open({ clock: new LeapingClock() })
    await saveAll(plain, 1, 2)
    const isList = ({ call, key }: CallInfo) => call === "list" && context.keys.history.startsWith(key)
    let announced = false
    const held = heldCall((info) => announced && isList(info))
    const claiming = (
      await context.open({
        through: (backend) =>
          held.through(
            intercept(backend, {
              async around({ call, key }, proceed) {
                const answer = await proceed()
                if (call === "put" && key === context.keys.history) announced = true
                return answer
              },
            }),
          ),
      })
    ).claim()
    await held.reached
    await saveAll(plain, 3)
    held.release()
    const leader: LeaderStore = await claiming
    await assertRecovers(leader, 3)
    assert.equal(leader.epoch, 1)
    await refusal(plain.save(manifestOf(4)), "CKPT_FENCED")
  }),
  claimingInHistory(
    "crash before recover marked its checkpoint: an update under way lands, and the next leader recovers it",
    async (context) => {
      const plain = await context.open()
      await saveAll(plain, 1)
      const held = heldWrite(context.keys.manifest(1))
      const slow = await context.open({ through: held.through })
      const updating = slow.update(1, (current) => ({ ...current, epoch: 77 }))
      updating.catch(() => {})
      await held.reached
      await dies(context, "before", calls("put", context.keys.manifest(1)), async (dying) =>
        (await dying.claim()).recover(),
      )
      // An update that begins now finds the claim.
      await refusal(
        plain.update(1, (current) => ({ ...current, epoch: 78 })),
        "CKPT_FENCED",
      )
      held.release()
      const error = await refusal(updating, "CKPT_FENCED")
      assert.equal(error.applied, true)
      const leader = await claimed(context)
      assert.equal((await leader.recover()).checkpoint?.manifest.epoch, 77)
      assert.equal(await latestId(leader), 1)
    },
  ),
]
