import assert from "node:assert/strict"
import type { Scenario } from "../../harness/scenario.js"
import { bytes, listedIds, manifestOf, refusal, saveAll } from "../support.js"
import { claimed, claiming, claimingInPointer, heldWrite, latestId } from "./claim-support.js"

/** A zombie is a superseded writer that goes on. Its calls, under way or later, change nothing. */
export const zombieScenarios: readonly Scenario[] = [
  claiming("a zombie that wakes after its successor saved changes nothing", async (context) => {
    // The zombie saves the successor's id, and then the id above it.
    for (const gap of [1, 2]) {
      const base = await (await context.open()).nextId()
      const held = heldWrite(context.keys.manifest(base + gap))
      const zombie = await claimed(context, { through: held.through })
      await saveAll(zombie, base)
      const waking = zombie.save(manifestOf(base + gap), { state: bytes("late") })
      waking.catch(() => {})
      await held.reached
      const successor = await claimed(context)
      assert.equal((await successor.recover()).checkpoint?.id, base)
      // Without a state: the zombie's state may lie there under the same id.
      await successor.save(manifestOf(base + 1, { epoch: 1_000 }))
      held.release()
      await refusal(waking, "CKPT_FENCED")
      const reader = await context.open()
      assert.equal((await reader.loadLatest())?.epoch, 1_000)
      const found = await reader.recover()
      assert.deepEqual([found.checkpoint?.id, found.skipped], [base + 1, []])
    }
  }),
  claimingInPointer(
    "a checkpoint that a zombie wrote above its successor never counts, and goes with retention",
    async (context) => {
      const zombie = await claimed(context)
      await saveAll(zombie, 1)
      const successor = await claimed(context)
      // The manifest arrives, and the swap is refused.
      await refusal(zombie.save(manifestOf(9)), "CKPT_FENCED")
      assert.ok((await context.allKeys()).includes(context.keys.manifest(9)))
      const reader = await context.open()
      assert.equal(await latestId(reader), 1)
      assert.equal(await reader.load(9), undefined)
      assert.equal((await reader.verify(9)).valid, false)
      const next = await successor.nextId()
      assert.equal(next, 10)
      await saveAll(successor, next, 11, 12)
      assert.deepEqual((await successor.prune({ last: 2 })).removed, [1, 9, 10])
      assert.ok(!(await context.allKeys()).includes(context.keys.manifest(9)))
      assert.equal(await latestId(reader), 12)
    },
  ),
  claiming("an update that a superseded writer has under way is CKPT_FENCED and changes nothing", async (context) => {
    const plain = await context.open()
    await saveAll(plain, 1)
    const held = heldWrite(context.keys.manifest(1))
    const slow = await context.open({ through: held.through })
    const updating = slow.update(1, (current) => ({ ...current, epoch: 77 }))
    updating.catch(() => {})
    await held.reached
    const leader = await claimed(context)
    const before = (await leader.recover()).checkpoint?.manifest.epoch
    held.release()
    await refusal(updating, "CKPT_FENCED")
    assert.equal((await leader.load(1))?.epoch, before)
  }),
  ...(["removed", "garbled"] as const).map((how) =>
    claimingInPointer(`a claim outlives a pointer that was ${how}`, async (context) => {
      const zombie = await claimed(context)
      await saveAll(zombie, 1)
      const successor = await claimed(context)
      await refusal(zombie.save(manifestOf(9)), "CKPT_FENCED")
      await saveAll(successor, 10)
      if (how === "removed") await context.raw.delete([context.keys.pointer])
      else await context.plant(context.keys.pointer, "garbled")
      // Readers go by the claims' own objects. Nobody leads until the next claim.
      const reader = await context.open()
      assert.deepEqual([await latestId(reader), await listedIds(reader)], [10, [1, 10]])
      assert.equal(await reader.load(9), undefined)
      assert.deepEqual((await reader.recover()).skipped, [])
      await refusal(reader.save(manifestOf(20)), "CKPT_FENCED")
      await refusal(
        reader.update(1, (current) => current),
        "CKPT_FENCED",
      )
      const leader = await claimed(context)
      assert.equal((await leader.recover()).checkpoint?.id, 10)
      await refusal(successor.save(manifestOf(11)), "CKPT_FENCED")
      assert.equal(await leader.load(9), undefined)
      await refusal(successor.save(manifestOf(12)), "CKPT_FENCED")
      await saveAll(leader, await leader.nextId())
      assert.deepEqual((await leader.recover()).skipped, [])
    }),
  ),
  claiming("prune, remove and collectOrphans of a superseded writer remove nothing", async (context) => {
    const old = await claimed(context)
    await saveAll(old, 1, 2, 3)
    const leader = await claimed(context)
    const before = await context.allKeys()
    await refusal(old.prune({ last: 1 }), "CKPT_FENCED")
    await refusal(old.remove(1), "CKPT_FENCED")
    const collecting = await old.collectOrphans({ olderThanMs: 0 }).catch(({ code }) => code)
    if (typeof collecting === "string") assert.equal(collecting, "CKPT_FENCED")
    assert.deepEqual(await context.allKeys(), before)
    assert.deepEqual((await leader.prune({ last: 1 })).removed, [1, 2])
  }),
]
