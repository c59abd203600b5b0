import assert from "node:assert/strict"
import type { ObjectBackend } from "@ckpt/core"
import { type CallInfo, calls, permanent, withFaults } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { assertRecovers, dies, listedIds, manifestOf, refusal, saveAll, text } from "../support.js"
import { claimed, claimingInPointer, heldWrite, latestId } from "./claim-support.js"

const isClaimObject = ({ call, key }: CallInfo) => call === "put" && key.includes("/claims/")

async function pointerAtRest({ peek, keys }: ScenarioContext): Promise<Record<string, unknown>> {
  return JSON.parse(text(await peek(keys.pointer)))
}

/** A leader, or a process that is becoming one, dies after one step: what readers see, who may write, and what mends it. */
export const claimCrashScenarios: readonly Scenario[] = [
  claimingInPointer(
    "crash after the manifest of a leader: it does not count, and the next claim shuts it out",
    async (context) => {
      await dies(context, "after", calls("put", context.keys.manifest(2)), async (dying) => {
        await saveAll(await dying.claim(), 1, 2)
      })
      assert.ok((await context.allKeys()).includes(context.keys.manifest(2)))
      const reader = await context.open()
      assert.equal(await latestId(reader), 1)
      assert.equal(await reader.load(2), undefined)
      assert.equal((await assertRecovers(reader, 1)).nextId, 3)
      const leader = await claimed(context)
      await saveAll(leader, 3)
      // Below the pointer now, and still out.
      assert.equal(await reader.load(2), undefined)
      assert.deepEqual(await listedIds(reader), [1, 3])
      assert.deepEqual((await leader.prune({ last: 1 })).removed, [1, 2])
    },
  ),
  claimingInPointer(
    "crash after the swap of a leader: the checkpoint counts, and the next claim goes on above it",
    async (context) => {
      let leads = false
      const isSwap = ({ call, key }: CallInfo) => leads && call === "put" && key === context.keys.pointer
      await dies(context, "after", isSwap, async (dying) => {
        const leader = await dying.claim()
        leads = true
        await saveAll(leader, 1)
      })
      await assertRecovers(await context.open(), 1)
      const leader = await claimed(context)
      assert.equal((await assertRecovers(leader, 1)).nextId, 2)
      await saveAll(leader, 2)
      assert.deepEqual(await listedIds(await context.open()), [1, 2])
    },
  ),
  claimingInPointer(
    "a leader that could not swap: its next save commits the manifest of the last one too",
    async (context) => {
      let armed = false
      const on = ({ call, key }: CallInfo) => armed && call === "put" && key === context.keys.pointer
      const leader = await claimed(context, {
        through: (backend: ObjectBackend) => withFaults(backend, { on, at: "before", error: permanent }),
      })
      armed = true
      await refusal(leader.save(manifestOf(1)), "CKPT_UNKNOWN_OUTCOME", 1)
      const reader = await context.open()
      assert.equal(await latestId(reader), undefined)
      armed = false
      await saveAll(leader, 2)
      assert.deepEqual(await listedIds(reader), [1, 2])
    },
  ),
  claimingInPointer(
    "crash after the writer of the first claim: nobody may write until the next claim",
    async (context) => {
      const plain = await context.open()
      await saveAll(plain, 1, 2)
      await dies(context, "after", calls("put", context.keys.pointer), (dying) => dying.claim())
      const { writer, claims } = await pointerAtRest(context)
      assert.deepEqual([(writer as { epoch: number }).epoch, claims], [1, undefined])
      await assertRecovers(await context.open(), 2)
      await refusal(plain.save(manifestOf(3)), "CKPT_FENCED")
      // Its manifest landed before the next claim lists, so the history has it; one that lands later is shut out.
      const leader = await claimed(context)
      assert.equal((await leader.recover()).checkpoint?.id, 3)
      await saveAll(leader, 4)
      await refusal(plain.save(manifestOf(5)), "CKPT_FENCED")
      assert.deepEqual(await listedIds(await context.open()), [1, 2, 3, 4])
    },
  ),
  claimingInPointer(
    "crash before the object of a claim: the claim holds while the pointer is there",
    async (context) => {
      const before = await claimed(context)
      await saveAll(before, 1)
      await dies(context, "before", isClaimObject, (dying) => dying.claim())
      await refusal(before.save(manifestOf(2)), "CKPT_FENCED")
      const reader = await context.open()
      assert.equal(await reader.load(2), undefined)
      assert.equal(await latestId(reader), 1)
      const pointer = await context.peek(context.keys.pointer)
      await context.raw.delete([context.keys.pointer])
      // Nothing tells of the claim: what it shut out is back, and nobody leads.
      assert.equal((await reader.load(2))?.checkpointId, 2)
      await refusal(before.save(manifestOf(4)), "CKPT_FENCED")
      await context.plant(context.keys.pointer, pointer as Uint8Array)
      // The next claim is told by its own object, and shuts out the same.
      const leader = await claimed(context)
      await saveAll(leader, 5)
      await context.raw.delete([context.keys.pointer])
      assert.equal(await reader.load(2), undefined)
      assert.deepEqual(await listedIds(reader), [1, 5])
    },
  ),
  claimingInPointer(
    "crash before the mark of a claim: an update under way lands, until the next claim",
    async (context) => {
      const plain = await context.open()
      await saveAll(plain, 1)
      const underWay = async (epoch: number) => {
        const held = heldWrite(context.keys.manifest(1))
        const slow = await context.open({ through: held.through })
        const updating = slow.update(1, (current) => ({ ...current, epoch }))
        updating.catch(() => {})
        await held.reached
        return { updating, release: held.release }
      }
      const first = await underWay(77)
      const isMark = calls("put", context.keys.manifest(1))
      await dies(context, "before", isMark, (dying) => dying.claim())
      // An update that begins now finds the claim.
      await refusal(
        plain.update(1, (current) => ({ ...current, epoch: 78 })),
        "CKPT_FENCED",
      )
      first.release()
      assert.equal((await first.updating).epoch, 77)
      const leader = await claimed(context)
      assert.equal((await leader.load(1))?.epoch, 77)
    },
  ),
]
