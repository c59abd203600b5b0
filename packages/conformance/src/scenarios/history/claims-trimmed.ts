import assert from "node:assert/strict"
import { heldCall } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { assertRecovers, bytes, manifestOf, refusal, saveAll, text } from "../support.js"

async function claimsAtRest({ peek, keys }: ScenarioContext): Promise<{ epoch: number; from: number }[]> {
  return JSON.parse(text(await peek(keys.pointer))).claims
}

export const trimmedClaimScenarios: readonly Scenario[] = [
  {
    name: "claim: prune trims claims below everything it keeps, and what they shut out stays out",
    layout: "objects",
    async run(context) {
      const { open, keys, raw } = context
      if (raw.capabilities.compareAndSwap !== "storage") return
      const first = await (await open()).claim()
      await saveAll(first, 1, 2)
      // A late request of the second writer, above its last checkpoint.
      const late = heldCall(({ call, key }) => call === "put" && key === keys.manifest(6))
      const second = await (await open({ through: late.through })).claim()
      await saveAll(second, 3)
      const zombie = second.save(manifestOf(6), { state: bytes("of a zombie") })
      await late.reached
      const third = await (await open()).claim()
      await saveAll(third, 4)
      const fourth = await (await open()).claim()
      await saveAll(fourth, 5, 9)
      assert.deepEqual(
        (await claimsAtRest(context)).map(({ epoch, from }) => [epoch, from]),
        [
          [1, 0],
          [2, 2],
          [3, 3],
          [4, 4],
        ],
      )
      await fourth.pin(4, "kept")
      assert.deepEqual((await fourth.prune({ last: 1 })).kept, [4, 9])
      assert.deepEqual(await claimsAtRest(context), [
        { epoch: 3, from: 3 },
        { epoch: 4, from: 4 },
      ])
      await fourth.unpin("kept")
      assert.deepEqual((await fourth.prune({ last: 1 })).kept, [9])
      assert.deepEqual(await claimsAtRest(context), [{ epoch: 4, from: 4 }])
      late.release()
      await refusal(zombie, "CKPT_FENCED")
      assert.deepEqual(await (await open()).ids(), [6, 9])
      // Only its manifest tells that it does not count.
      assert.equal(await fourth.load(6), undefined)
      await assertRecovers(await open(), 9)
      await saveAll(fourth, 10)
      await fourth.prune({ last: 1 })
      assert.deepEqual(await fourth.ids(), [10])
    },
  },
]
