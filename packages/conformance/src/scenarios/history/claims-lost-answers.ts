import assert from "node:assert/strict"
import type { ObjectBackend } from "@ckpt/core"
import { ambiguous, type CallInfo, intercept, permanent, withFaults, withoutCommit } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { historyAtRest, listedIds, manifestOf, refusal, saveAll } from "../support.js"
import { claimed, claiming, claimingInHistory, latestId } from "./claim-support.js"

/** A leader whose requests get no answer. */
export const claimLostAnswerScenarios: readonly Scenario[] = [
  claimingInHistory(
    "a leader's save whose pointer cannot be moved succeeds, and counts for the next claim",
    async (context) => {
      const on = ({ call, key }: CallInfo) => call === "put" && key === context.keys.pointer
      const leader = await claimed(context, {
        through: (backend: ObjectBackend) => withFaults(withoutCommit(backend), { on, at: "before", error: permanent }),
      })
      const { outcome, isLatest } = await leader.save(manifestOf(1))
      assert.deepEqual([outcome, isLatest], ["created", false])
      assert.equal(await latestId(await context.open()), 1)
      assert.ok(context.events.some((event) => event.type === "pointer-failed" && event.id === 1))
    },
  ),
  claimingInHistory(
    "a save that is answered while another one claims succeeds if that claim kept it, and the next save is CKPT_FENCED",
    async (context) => {
      const { keys } = context
      let armed = false
      const leader = await claimed(context, {
        through: (backend) =>
          intercept(withoutCommit(backend), {
            async around({ call, key }, proceed) {
              const answer = await proceed()
              if (!armed || call !== "put" || key !== keys.manifest(1)) return answer
              armed = false
              // Another leader comes between the manifest and the look at the history.
              await claimed(context)
              return answer
            },
          }),
      })
      armed = true
      assert.equal((await leader.save(manifestOf(1))).outcome, "created")
      assert.equal(await latestId(await context.open()), 1)
      await refusal(leader.save(manifestOf(2)), "CKPT_FENCED")
    },
  ),
  claimingInHistory(
    "a save whose manifest came after another one's claim is CKPT_FENCED, and never counts",
    async (context) => {
      const { keys } = context
      let armed = false
      const leader = await claimed(context, {
        through: (backend) =>
          intercept(withoutCommit(backend), {
            async around({ call, key }, proceed) {
              if (armed && call === "put" && key === keys.manifest(1)) {
                armed = false
                await claimed(context)
              }
              return proceed()
            },
          }),
      })
      armed = true
      await refusal(leader.save(manifestOf(1)), "CKPT_FENCED")
      assert.ok((await context.allKeys()).includes(keys.manifest(1)))
      assert.equal(await latestId(await context.open()), undefined)
      const next = await claimed(context)
      assert.equal((await next.recover()).outcome, "fresh")
      await saveAll(next, await next.nextId())
      assert.equal(await next.load(1), undefined)
    },
  ),
  claimingInHistory(
    "a leader's save that cannot see the history is CKPT_UNKNOWN_OUTCOME, and a retry succeeds",
    async (context) => {
      const { keys } = context
      let armed = false
      const leader = await claimed(context, {
        through: (backend) =>
          withFaults(backend, {
            on: ({ call, key }) => armed && call === "get" && key === keys.history,
            at: "before",
            error: permanent,
          }),
      })
      armed = true
      const manifest = manifestOf(1)
      await refusal(leader.save(manifest), "CKPT_UNKNOWN_OUTCOME")
      armed = false
      const { outcome, isLatest } = await leader.save(manifest)
      assert.deepEqual([outcome, isLatest], ["existed", true])
    },
  ),
  claimingInHistory(
    "an update that landed before the history became unreadable is CKPT_UNKNOWN_OUTCOME",
    async (context) => {
      await saveAll(await context.open(), 1)
      let armed = false
      let landed = false
      const leader = await claimed(context, {
        through: (backend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              if (landed && call === "get" && key === context.keys.history) throw permanent()
              const answer = await proceed()
              if (call === "put" && key === context.keys.manifest(1) && armed) landed = true
              return answer
            },
          }),
      })
      armed = true
      await refusal(
        leader.update(1, (current) => ({ ...current, epoch: 77 })),
        "CKPT_UNKNOWN_OUTCOME",
        1,
      )
      assert.equal((await (await context.open()).load(1))?.epoch, 77)
    },
  ),
  ...(["before", "after"] as const).map((at) =>
    claiming(
      `a claim succeeds although the answer to one of its writes is lost (${at} it took effect)`,
      async (context) => {
        await saveAll(await context.open(), 1)
        for (let index = 0; index < 3; index++) {
          let puts = 0
          let armed = false
          const on = ({ call, key }: CallInfo) => armed && call === "put" && !key.includes("probe") && puts++ === index
          const plain = await context.open({ through: (backend) => withFaults(backend, { on, at, error: ambiguous }) })
          await plain.nextId()
          armed = true
          const leader = await plain.claim()
          const id = await leader.nextId()
          await saveAll(leader, id)
          assert.equal(await latestId(await context.open()), id)
          await leader.release()
        }
      },
    ),
  ),
  ...[1, 2].map((write) =>
    claimingInHistory(
      `every answer to the ${write === 1 ? "first" : "second"} write of a claim is lost: the claim fails or leads, and the next claim leads`,
      async (context) => {
        for (const at of ["before", "after"] as const) {
          const before = await claimed(context)
          const base = await before.nextId()
          await saveAll(before, base)
          let writes = 0
          const on = ({ call, key }: CallInfo) => call === "put" && key === context.keys.history && ++writes >= write
          const unlucky = await context.open({
            retry: { attempts: 2 },
            through: (backend) => withFaults(backend, { on, at, error: ambiguous }),
          })
          const first = await unlucky.claim().catch((error: { code: string }) => error.code)
          if (typeof first === "string") assert.ok(["CKPT_IO", "CKPT_UNKNOWN_OUTCOME"].includes(first), first)
          const leader = await claimed(context)
          assert.equal((await leader.recover()).checkpoint?.id, base)
          await saveAll(leader, base + 1)
          await refusal(before.save(manifestOf(base + 9)), "CKPT_FENCED")
          if (typeof first !== "string") await refusal(first.save(manifestOf(base + 8)), "CKPT_FENCED")
          assert.equal((await historyAtRest(context))["epoch"], leader.epoch)
          assert.equal((await listedIds(leader)).at(-1), base + 1)
        }
      },
    ),
  ),
]
