import assert from "node:assert/strict"
import type { ObjectBackend } from "@ckpt/core"
import { ambiguous, type CallInfo, intercept, permanent, withFaults } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { manifestOf, refusal, saveAll } from "../support.js"
import { claimed, claiming, claimingInPointer, latestId } from "./claim-support.js"

/** A leader whose requests get no answer. */
export const claimLostAnswerScenarios: readonly Scenario[] = [
  claimingInPointer("a save whose swap took effect without an answer succeeds", async (context) => {
    const on = ({ call, key }: CallInfo) => call === "put" && key === context.keys.pointer
    let armed = false
    const through = (backend: ObjectBackend) =>
      withFaults(backend, { on: (info) => armed && on(info), at: "after", error: ambiguous, times: 1 })
    const leader = await claimed(context, { through })
    armed = true
    assert.deepEqual((await leader.save(manifestOf(1))).isLatest, true)
    assert.equal(await latestId(await context.open()), 1)
  }),
  claimingInPointer(
    "a save whose swap took effect without an answer succeeds even if another claimed meanwhile",
    async (context) => {
      const on = ({ call, key }: CallInfo) => call === "put" && key === context.keys.pointer
      let armed = false
      const leader = await claimed(context, {
        through: (backend) =>
          intercept(backend, {
            async around(info, proceed) {
              if (!armed || !on(info)) return proceed()
              armed = false
              await proceed()
              // Another leader comes between the swap and its reading back.
              await claimed(context)
              throw ambiguous()
            },
          }),
      })
      armed = true
      assert.equal((await leader.save(manifestOf(1))).outcome, "created")
      assert.equal(await latestId(await context.open()), 1)
      await refusal(leader.save(manifestOf(2)), "CKPT_FENCED")
    },
  ),
  claimingInPointer("a save whose swap failed is CKPT_UNKNOWN_OUTCOME, and a retry succeeds", async (context) => {
    const on = ({ call, key }: CallInfo) => call === "put" && key === context.keys.pointer
    let armed = false
    const leader = await claimed(context, {
      through: (backend) => withFaults(backend, { on: (info) => armed && on(info), at: "before", error: ambiguous }),
    })
    armed = true
    const manifest = manifestOf(1)
    await refusal(leader.save(manifest), "CKPT_UNKNOWN_OUTCOME")
    assert.equal(await latestId(await context.open()), undefined)
    armed = false
    // A retry of the same manifest settles it.
    assert.equal((await leader.save(manifest)).isLatest, true)
  }),
  claimingInPointer(
    "an update that landed before the pointer became unreadable is CKPT_UNKNOWN_OUTCOME",
    async (context) => {
      await saveAll(await context.open(), 1)
      let armed = false
      let landed = false
      const leader = await claimed(context, {
        through: (backend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              if (landed && call === "get" && key === context.keys.pointer) throw permanent()
              const answer = await proceed()
              if (call === "put" && key === context.keys.manifest(1) && armed) landed = true
              return answer
            },
          }),
      })
      armed = true
      const updating = leader.update(1, (current) => ({ ...current, epoch: 77 }))
      await refusal(updating, "CKPT_UNKNOWN_OUTCOME", 1)
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
        }
      },
    ),
  ),
]
