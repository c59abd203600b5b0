import assert from "node:assert/strict"
import { LeapingClock } from "../../harness/clocks.js"
import { type CallInfo, intercept, permanent, recorder, withFaults } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { historyAtRest, historyBytes, listedIds, manifestOf, range, refusal, saveAll } from "../support.js"
import { claimed, claimingInHistory, latestId } from "./claim-support.js"

/** There is a way out of each state that a history can get into, and the error names it. */
export const waysOutScenarios: readonly Scenario[] = [
  claimingInHistory(
    "a history at its limit: a claim goes beyond it, nothing else does, and a removal leads back",
    async (context) => {
      const { events, keys, open, peek, plant } = context
      const first = await claimed(context)
      const newest = 3_000_000_000_000
      await saveAll(first, 1, 2, newest)
      const now = await historyAtRest(context)
      // Ids like times, with gaps: as many as there is room for.
      const gaps = range(0, 80_000).map((index) => 1_000_000_000_000 + 2 * index)
      const fields = { ...now, floor: newest, top: newest }
      const bare = historyBytes({ ...fields, kept: `1-2 ${newest}` }).length
      const kept = gaps.slice(0, Math.floor((1024 * 1024 - bare) / 14)).join(" ")
      await plant(keys.history, historyBytes({ ...fields, kept: `1-2 ${kept} ${newest}` }))
      await refusal(first.pin(newest, "a-name-that-is-too-long-for-the-room-that-is-left"), "CKPT_INVALID")
      // The claim is announced in the history, which is over the limit by that.
      const second = await claimed(context)
      await saveAll(second, newest + 1, newest + 3)
      const third = await claimed(context)
      assert.equal((await third.recover()).checkpoint?.id, newest + 3)
      assert.ok(((await peek(keys.history))?.length ?? 0) > 1024 * 1024)
      await refusal(third.pin(newest, "a-name-that-is-too-long-for-the-room-that-is-left"), "CKPT_INVALID")
      assert.equal(await third.remove(newest + 1), true)
      await saveAll(third, newest + 4)
      assert.equal(await latestId(await open({ readOnly: true })), newest + 4)
      assert.ok(!events.some(({ type }) => type === "history-lost"))
    },
  ),
  claimingInHistory(
    "repair() of a history that was lost while it listed sees the claim that had been given by then",
    async (context) => {
      const { keys, open, plant } = context
      await saveAll(await open(), 1)
      let lists = 0
      const store = await open({
        through: (backend) =>
          intercept(backend, {
            async around({ call }, proceed) {
              const answer = await proceed()
              if (call !== "list" || lists++ > 0) return answer
              await saveAll(await claimed(context), 2)
              await plant(keys.history, "garbled")
              return answer
            },
          }),
      })
      await refusal(store.repair(), "CKPT_FENCED")
      assert.equal(await latestId(await claimed(context)), 2)
    },
  ),
  {
    name: "history: a plain store whose history another one built anew says so: a new store goes on",
    async run({ open, keys, raw }) {
      const [one, other] = [await open(), await open()]
      await saveAll(one, 1, 2, 3)
      await one.pin(1, "kept")
      await other.pins()
      await raw.delete([keys.history])
      await refusal(one.prune({ last: 1 }), "CKPT_CORRUPT")
      assert.equal(await one.repair(), true)
      await one.pin(2, "kept")
      const error = await refusal(other.prune({ last: 1 }), "CKPT_CORRUPT")
      assert.match(error.message, /another history .* open a new store/)
      assert.doesNotMatch(error.message, /repair/)
      const anew = await open()
      assert.equal((await anew.recover()).checkpoint?.id, 3)
      await saveAll(anew, 4)
      assert.deepEqual((await anew.prune({ last: 1 })).kept, [2, 4])
    },
  },
  claimingInHistory(
    "a leader that could not give its lead up is closed all the same, and the next claim goes on",
    async (context) => {
      let isDown = false
      const on = ({ key }: CallInfo) => isDown && key === context.keys.history
      const leader = await claimed(context, {
        through: (backend) => withFaults(backend, { on, at: "before", error: permanent }),
      })
      await saveAll(leader, 1)
      isDown = true
      await refusal(leader.release(), "CKPT_IO")
      isDown = false
      await refusal(leader.save(manifestOf(2)), "CKPT_CLOSED")
      const next = await claimed(context)
      await saveAll(next, 2)
      await next.close()
      // Nothing gave the lead up, so it must not seem so.
      await refusal(next.release(), "CKPT_CLOSED")
      await saveAll(await claimed(context), 3)
    },
  ),
  claimingInHistory("a claim that was taken out reads only what is new when it begins again", async (context) => {
    const { keys, open } = context
    const writer = await open({ clock: new LeapingClock() })
    await saveAll(writer, ...range(1, 40))
    let saved = 0
    let isClaiming = true
    const { calls, through } = recorder()
    const slow = await open({
      through: (backend) =>
        through(
          intercept(backend, {
            // To read the oldest takes so long that the writer loses its patience.
            async around({ call, key }: CallInfo, proceed) {
              if (isClaiming && call === "get" && key === keys.manifest(1)) await saveAll(writer, 41 + saved++)
              return proceed()
            },
          }),
        ),
    })
    const leader = await slow.claim()
    isClaiming = false
    assert.equal(saved, 1)
    assert.equal(calls.filter(({ call, key }) => call === "get" && key === keys.manifest(2)).length, 1)
    assert.equal((await leader.recover()).checkpoint?.id, 41)
    await refusal(writer.save(manifestOf(50)), "CKPT_FENCED")
    assert.deepEqual(await listedIds(leader), range(1, 41))
  }),
  {
    name: "remove of one checkpoint reads what lies below it, and not all that is there",
    async run(context) {
      await saveAll(await context.open(), ...range(1, 60))
      const { calls, through } = recorder()
      const store = await context.open({ through })
      assert.equal(await store.remove(5), true)
      const read = new Set(calls.filter(({ call }) => call === "get").map(({ key }) => key))
      const manifests = range(1, 60).filter((id) => read.has(context.keys.manifest(id)))
      assert.deepEqual(manifests, [1, 2, 3, 4, 60])
      assert.deepEqual(
        await listedIds(store),
        range(1, 60).filter((id) => id !== 5),
      )
    },
  },
  claimingInHistory(
    "a kept checkpoint that is lost is not told by loadLatest where a later one is there",
    async (context) => {
      const { events, keys, open, raw } = context
      await saveAll(await open(), 1, 2)
      const leader = await claimed(context)
      await raw.delete([keys.manifest(2), keys.state(2)])
      await saveAll(leader, 3)
      events.length = 0
      assert.equal(await latestId(await open()), 3)
      assert.deepEqual(
        events.filter(({ type }) => type === "skipped"),
        [],
      )
      await raw.delete([keys.manifest(3), keys.state(3)])
      assert.equal(await latestId(await open()), 1)
      assert.ok(events.some(({ type }) => type === "skipped"))
    },
  ),
]
