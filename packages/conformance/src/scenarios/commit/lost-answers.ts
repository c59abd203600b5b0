import assert from "node:assert/strict"
import { ambiguous, intercept, transient } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { bytes, manifestOf, refusal, saveAll, text } from "../support.js"
import { assertSound, isReadBack, isStep, shaped, steps, victimOf } from "./victim.js"

const lostAndApplied = steps.map(
  (step): Scenario => ({
    name: `lost answer of the ${step} request that took effect: the save succeeds`,
    async run(context) {
      const on = isStep(context, step, 2)
      const victim = await victimOf(context, step, { on, at: "after", error: ambiguous, times: 1 })
      const receipt = await victim.store.save(manifestOf(2), { state: bytes("ours") })
      assert.deepEqual([receipt.outcome, receipt.isLatest], ["created", true])
      // Asked again once, under the same condition. A commit of everything at once is looked at instead, and so is the pointer.
      assert.equal(victim.steps(), step === "commit" || step === "pointer" ? 1 : 2)
      assert.deepEqual(victim.deleted(), [])
      await assertSound(context, 2, "ours")
    },
  }),
)

const lostAndNotApplied = steps.map(
  (step): Scenario => ({
    name: `lost answer of the ${step} request that took no effect: the save succeeds, or is CKPT_UNKNOWN_OUTCOME`,
    async run(context) {
      const on = isStep(context, step, 2)
      const victim = await victimOf(context, step, { on, at: "before", error: ambiguous, times: 1 })
      const manifest = manifestOf(2)
      const saving = victim.store.save(manifest, { state: bytes("ours") })
      // A commit that took no effect may still be on its way. Its caller saves again.
      if (step === "commit") await refusal(saving, "CKPT_UNKNOWN_OUTCOME", 2)
      else assert.deepEqual((await saving).isLatest, step !== "pointer")
      assert.deepEqual(victim.deleted(), [])
      await victim.store.save(manifest, { state: bytes("ours") })
      await assertSound(context, 2, "ours")
    },
  }),
)

const lostToAnother = steps.map(
  (step): Scenario => ({
    name: `lost answer of the ${step} request after another writer was first: the save tells who won`,
    async run(context) {
      const other = await context.open()
      const on = isStep(context, step, 2)
      const victim = await victimOf(context, step)
      let met = false
      const store = await context.open({
        through: (backend) =>
          intercept(shaped(context, step, backend), {
            async around(info, proceed) {
              if (met || !on(info)) return proceed()
              met = true
              if (step === "pointer") await saveAll(other, 10)
              else if (step === "manifest") await other.save(manifestOf(2, { epoch: 77 }), { state: bytes("ours") })
              else await other.save(manifestOf(2), { state: bytes("another's") })
              throw ambiguous()
            },
          }),
      })
      const saving = store.save(manifestOf(2), { state: bytes("ours") })
      if (step === "pointer") {
        assert.deepEqual((await saving).isLatest, false)
        assert.match(text(await context.peek(context.keys.pointer)), /10\b/)
        assert.equal((await store.verify(2)).valid, true)
        return
      }
      await refusal(saving, "CKPT_CONFLICT", 2)
      assert.deepEqual(victim.deleted(), [])
      await assertSound(context, 2, step === "manifest" ? "ours" : "another's")
    },
  }),
)

const unreadable = steps
  .filter((step) => step !== "pointer")
  .map(
    (step): Scenario => ({
      name: `lost answer of the ${step} request that cannot be read back: CKPT_UNKNOWN_OUTCOME, and nothing is deleted`,
      async run(context) {
        let lost = false
        const lostNow = () => {
          lost = true
          return ambiguous()
        }
        const victim = await victimOf(
          context,
          step,
          { on: isStep(context, step, 2), at: "after", error: lostNow, times: 1 },
          { on: (info) => lost && isReadBack(context, step, 2)(info), at: "before", error: transient },
        )
        const manifest = manifestOf(2)
        const error = await refusal(victim.store.save(manifest, { state: bytes("ours") }), "CKPT_UNKNOWN_OUTCOME", 2)
        assert.equal(error.retryable, true)
        assert.deepEqual(victim.deleted(), [])
        assert.ok((await context.allKeys()).includes(context.keys.state(2)))
        // A save that is repeated once the storage answers settles it.
        await (await context.open()).save(manifest, { state: bytes("ours") })
        await assertSound(context, 2, "ours")
      },
    }),
  )

/** One lost answer, at every step of a save. */
export const lostAnswerScenarios: readonly Scenario[] = [
  ...lostAndApplied,
  ...lostAndNotApplied,
  ...lostToAnother,
  ...unreadable,
]
