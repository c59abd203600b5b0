import assert from "node:assert/strict"
import { heldCall } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { bytes, listedIds, manifestOf, refusal, saveAll } from "../support.js"
import { claimed, claiming, claimingInHistory, heldWrite, latestId } from "./claim-support.js"

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
  claimingInHistory(
    "a checkpoint that a zombie wrote above its successor never counts, and goes with retention",
    async (context) => {
      const zombie = await claimed(context)
      await saveAll(zombie, 1)
      const successor = await claimed(context)
      // The writer does not know of the claim: its manifest arrives.
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
  claiming(
    "an update that a superseded writer has under way is CKPT_FENCED, and changes nothing of what was recovered",
    async (context) => {
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
    },
  ),
  claimingInHistory(
    "an update under way at a claim, of each checkpoint: CKPT_FENCED, and the leader sees one of both for good",
    async (context) => {
      const { keys, open } = context
      await saveAll(await open(), 1, 2, 3)
      const late = [1, 2, 3].map((id) => ({ id, held: heldWrite(keys.manifest(id)) }))
      const updates = await Promise.all(
        late.map(async ({ id, held }) => {
          const updating = (await open({ through: held.through })).update(id, (current) => ({
            ...current,
            epoch: 70 + id,
          }))
          updating.catch(() => {})
          await held.reached
          return { updating }
        }),
      )
      const leader = await claimed(context)
      assert.equal((await leader.recover()).checkpoint?.manifest.epoch, 3)
      for (const { held } of late) held.release()
      for (const [at, { updating }] of updates.entries()) {
        const error = await refusal(updating, "CKPT_FENCED")
        // What the leader did not recover may still change once.
        assert.equal(error.applied === true, at < 2)
      }
      for (const [id, epoch] of [
        [1, 71],
        [2, 72],
        [3, 3],
      ] as const) {
        assert.equal((await leader.load(id))?.epoch, epoch)
        assert.equal((await leader.verify(id)).valid, true)
      }
    },
  ),
  ...(["removed", "garbled"] as const).map((how) =>
    claimingInHistory(`a claim does not hang on the pointer, which was ${how}`, async (context) => {
      const zombie = await claimed(context)
      await saveAll(zombie, 1)
      const successor = await claimed(context)
      await refusal(zombie.save(manifestOf(9)), "CKPT_FENCED")
      await saveAll(successor, 10)
      if (how === "removed") await context.raw.delete([context.keys.pointer])
      else await context.plant(context.keys.pointer, "garbled")
      const reader = await context.open()
      assert.deepEqual([await latestId(reader), await listedIds(reader)], [10, [1, 10]])
      assert.equal(await reader.load(9), undefined)
      assert.deepEqual((await reader.recover()).skipped, [])
      await refusal(reader.save(manifestOf(20)), "CKPT_FENCED")
      await refusal(zombie.save(manifestOf(21)), "CKPT_FENCED")
      // The leader goes on as if nothing had happened.
      await saveAll(successor, 11)
      assert.deepEqual((await successor.prune({ last: 1 })).removed, [1, 9, 10])
      const leader = await claimed(context)
      assert.equal((await leader.recover()).checkpoint?.id, 11)
      await refusal(successor.save(manifestOf(12)), "CKPT_FENCED")
    }),
  ),
  claimingInHistory("zombies of two epochs, with writes under way above and below, never count", async (context) => {
    const { allKeys, keys, open } = context
    await saveAll(await open(), 1)
    const underWay = async (id: number) => {
      const held = heldWrite(keys.manifest(id))
      const zombie = await claimed(context, { through: held.through })
      await zombie.recover()
      const saving = zombie.save(manifestOf(id, { epoch: 9_000 }))
      saving.catch(() => {})
      await held.reached
      return { saving, release: held.release }
    }
    const zombies = [await underWay(2), await underWay(8)]
    const leader = await claimed(context)
    assert.equal((await leader.recover()).checkpoint?.id, 1)
    await saveAll(leader, 4)
    for (const { release, saving } of zombies) {
      release()
      await refusal(saving, "CKPT_FENCED")
    }
    for (const id of [2, 8]) assert.ok((await allKeys()).includes(keys.manifest(id)))
    for (const reader of [leader, await open()]) {
      assert.deepEqual(await listedIds(reader), [1, 4])
      assert.equal((await reader.recover()).checkpoint?.id, 4)
    }
    const successor = await claimed(context)
    assert.deepEqual([(await successor.recover()).checkpoint?.id, await successor.nextId()], [4, 9])
    await saveAll(successor, 9)
    assert.deepEqual(await listedIds(await open()), [1, 4, 9])
    assert.deepEqual((await successor.prune({ last: 1 })).removed, [1, 2, 4, 8])
  }),
  claimingInHistory(
    "an update that reads its manifest after the next leader recovered it changes nothing",
    async (context) => {
      const { keys, open, peek } = context
      await saveAll(await open(), 1)
      // A plain writer, then a leader.
      for (const opened of [open, (options: Parameters<typeof open>[0]) => claimed(context, options)]) {
        let isUpdating = false
        const held = heldCall(({ call, key }) => isUpdating && call === "get" && key === keys.manifest(1))
        const zombie = await opened({ through: held.through })
        await zombie.recover()
        isUpdating = true
        const updating = zombie.update(1, (current) => ({ ...current, epoch: 9_000 }))
        updating.catch(() => {})
        await held.reached
        const leader = await claimed(context)
        assert.equal((await leader.recover()).checkpoint?.id, 1)
        const recovered = await peek(keys.manifest(1))
        held.release()
        // Not `applied`: the leader works from what it was given.
        assert.equal((await refusal(updating, "CKPT_FENCED")).applied, undefined)
        assert.deepEqual(await peek(keys.manifest(1)), recovered)
      }
    },
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
