import assert from "node:assert/strict"
import type { CheckpointManifest, ObjectBackend, ObjectMeta } from "@ckpt/core"
import { ambiguous, type CallInfo, intercept, permanent, withFaults, withoutCommit } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { bytes, historyAtRest, listedIds, manifestOf, range, refusal, saveAll, stateText, text } from "../support.js"
import { claimed, claiming, claimingInHistory, heldWrite, latestId } from "./claim-support.js"

export const claimScenarios: readonly Scenario[] = [
  claiming("a leader writes, and whoever wrote before is CKPT_FENCED", async (context) => {
    const plain = await context.open()
    await saveAll(plain, 1, 2)
    const leader = await plain.claim()
    assert.equal((await leader.recover()).checkpoint?.id, 2)
    await saveAll(leader, 3)
    await refusal(plain.save(manifestOf(4)), "CKPT_FENCED")
    // Even for its own checkpoint, and for a conflict with it: another id would not help.
    await refusal(plain.save(manifestOf(2), { state: bytes(stateText(2)) }), "CKPT_FENCED")
    await refusal(plain.save(manifestOf(2)), "CKPT_FENCED")
    await refusal(
      plain.update(3, (current) => current),
      "CKPT_FENCED",
    )
    const successor = await claimed(context)
    assert.equal((await successor.recover()).checkpoint?.id, 3)
    await refusal(leader.save(manifestOf(6)), "CKPT_FENCED")
    await refusal(
      leader.update(3, (current) => ({ ...current, epoch: 9 })),
      "CKPT_FENCED",
    )
    await refusal(leader.prune({ last: 1 }), "CKPT_FENCED")
    await saveAll(successor, 5)
    const reader = await context.open()
    assert.equal(await latestId(reader), 5)
    assert.deepEqual(await listedIds(reader), [1, 2, 3, 5])
  }),
  claimingInHistory("an acknowledged checkpoint above the pointer counts after the claim", async (context) => {
    const on = ({ call, key }: CallInfo) => call === "put" && key === context.keys.pointer
    const plain = await context.open()
    await saveAll(plain, 1)
    const unlucky = await context.open({
      through: (backend) => withFaults(withoutCommit(backend), { on, at: "before", error: ambiguous }),
    })
    assert.equal((await unlucky.save(manifestOf(2))).isLatest, false)
    const leader = await claimed(context)
    assert.equal((await leader.recover()).checkpoint?.id, 2)
    await refusal(leader.save(manifestOf(2, { epoch: 5 })), "CKPT_CONFLICT")
  }),
  claiming(
    "ids that are far apart: all that counts is kept, and a stray file with a huge id uses up no ids",
    async (context) => {
      const { open, keys, plant } = context
      await saveAll(await open(), 1, 2, 2 ** 41)
      await plant(keys.manifest(2 ** 52), "no manifest")
      const leader = await claimed(context)
      const found = await leader.recover()
      assert.deepEqual([found.checkpoint?.id, found.nextId], [2 ** 41, 2 ** 41 + 1])
      assert.deepEqual(
        found.skipped.map(({ id }) => id),
        [2 ** 52],
      )
      assert.deepEqual(await listedIds(leader), [1, 2, 2 ** 41, 2 ** 52])
      await saveAll(leader, found.nextId)
      assert.equal((await leader.recover()).checkpoint?.id, found.nextId)
    },
  ),
  claiming("leadership tells who leads, a claim that is being made, and that the history is lost", async (context) => {
    const { open, keys, plant } = context
    const reader = await open({ readOnly: true })
    assert.deepEqual(await reader.leadership(), { epoch: 0 })
    const leader = await claimed(context)
    await saveAll(leader, 1)
    const { epoch, writer, ...more } = await reader.leadership()
    assert.deepEqual([epoch, more], [1, {}])
    assert.match(writer ?? "", /^\w+$/)
    assert.deepEqual(await leader.leadership(), { epoch, writer })
    await leader.release()
    assert.deepEqual(await reader.leadership(), { epoch: 1 })
    await plant(keys.history, "no history")
    assert.match((await reader.leadership()).lost ?? "", /checksum/)
  }),
  claiming("an empty store is still fresh after a claim", async (context) => {
    const leader = await claimed(context)
    assert.deepEqual([(await leader.recover()).outcome, await leader.nextId()], ["fresh", 1])
    await saveAll(leader, 1)
    assert.equal((await leader.recover()).checkpoint?.id, 1)
  }),
  claiming(
    "50 saves of a leader at once are acknowledged, and so is a save of a lower id after them",
    async (context) => {
      const leader = await claimed(context)
      const manifests = range(1, 50).map((id) => manifestOf(id))
      const save = (manifest: CheckpointManifest) =>
        leader.save(manifest, { state: bytes(`state ${manifest.checkpointId}`) })
      const receipts = await Promise.all(manifests.map(save))
      assert.ok(receipts.every(({ outcome }) => outcome === "created"))
      assert.equal(await latestId(leader), 50)
      assert.equal((await save(manifests[6] as CheckpointManifest)).outcome, "existed")
      await refusal(leader.save(manifestOf(7), { state: bytes("another") }), "CKPT_CONFLICT")
      await saveAll(leader, 60)
      assert.deepEqual((await leader.save(manifestOf(55))).isLatest, false)
      assert.equal((await leader.load(55))?.checkpointId, 55)
      assert.equal(await latestId(await context.open()), 60)
    },
  ),
  claiming("a leader saves above all ids that were there when it claimed, and in no free id below", async (context) => {
    await saveAll(await context.open(), 1, 5)
    const leader = await claimed(context)
    const error = await refusal(leader.save(manifestOf(3)), "CKPT_CONFLICT", 3)
    assert.match(error.message, /ids up to 5 are used up/)
    assert.ok(!(await context.allKeys()).includes(context.keys.manifest(3)))
    await saveAll(leader, await leader.nextId())
    assert.deepEqual(await listedIds(leader), [1, 5, 6])
  }),
  claiming(
    "a claim that cannot read the pointer fails: a listing that lags may lack what it names",
    async (context) => {
      const { keys, open } = context
      await saveAll(await open(), 1, 2)
      let fails = true
      const through = (backend: ObjectBackend) =>
        intercept(backend, {
          async around({ call, key }, proceed) {
            if (fails && call === "get" && key === keys.pointer) throw permanent()
            const answer = await proceed()
            return call === "list" ? (answer as ObjectMeta[]).filter((one) => one.key !== keys.manifest(2)) : answer
          },
        })
      await refusal(claimed(context, { through }), "CKPT_IO")
      fails = false
      const leader = await claimed(context, { through })
      assert.deepEqual(await listedIds(await open()), [1, 2])
      await saveAll(leader, 3)
      assert.equal(await latestId(await open()), 3)
    },
  ),
  claiming("claims at once get different epochs, and only one of them leads", async (context) => {
    const claims = await Promise.allSettled(Array.from({ length: 6 }, () => claimed(context)))
    const leaders = claims.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []))
    for (const one of claims) if (one.status === "rejected") assert.equal(one.reason.code, "CKPT_FENCED")
    const outcomes = await Promise.allSettled(leaders.map((leader, index) => leader.save(manifestOf(index + 1))))
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1)
    const epochs = context.events.flatMap((event) => (event.type === "claimed" ? [event.epoch] : []))
    assert.equal(new Set(epochs).size, leaders.length)
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") assert.equal(outcome.reason.code, "CKPT_FENCED")
    }
  }),
  claiming("history.json says who leads, and the pointer says only that there is a history", async (context) => {
    await saveAll(await context.open(), 1)
    const leader = await claimed(context)
    await saveAll(leader, 2)
    const { lineage, epoch, writer, floor, kept, claiming } = await historyAtRest(context)
    assert.match(String(lineage), /^[0-9a-f]{32}$/)
    assert.match(String(writer), /^[0-9a-f]{32}$/)
    assert.deepEqual([epoch, floor, kept, claiming], [leader.epoch, 1, "1", undefined])
    if (context.layout === "directory") return
    const pointer = JSON.parse(text(await context.peek(context.keys.pointer))) as Record<string, unknown>
    assert.equal(Object.keys(pointer)[0], "checkpoint_id")
    assert.deepEqual(Object.keys(pointer).sort(), ["checkpoint_id", "history", "token"])
    assert.deepEqual([pointer["checkpoint_id"], pointer["history"]], [2, true])
  }),
  claiming("a leader's save does not wait for a save of a lower id that is under way", async (context) => {
    const held = heldWrite(context.keys.state(1))
    const leader = await claimed(context, { through: held.through })
    const first = leader.save(manifestOf(1), { state: bytes("slow") })
    await held.reached
    assert.deepEqual((await leader.save(manifestOf(2))).isLatest, true)
    held.release()
    assert.deepEqual((await first).isLatest, false)
    assert.deepEqual(await listedIds(await context.open()), [1, 2])
  }),
  claiming(
    "a leader that released: nobody leads, a plain writer is still CKPT_FENCED, and a claim goes on",
    async (context) => {
      const plain = await context.open()
      const leader = await plain.claim()
      await saveAll(leader, 1)
      await leader.release()
      await refusal(leader.save(manifestOf(2)), "CKPT_CLOSED")
      await refusal(plain.save(manifestOf(9)), "CKPT_FENCED")
      const error = await refusal((await context.open()).save(manifestOf(9)), "CKPT_FENCED")
      // Where the backend has claims of its own, it says so first.
      assert.match(error.message, /nobody leads|is claimed/)
      const successor = await claimed(context)
      assert.ok(successor.epoch > leader.epoch)
      assert.equal((await successor.recover()).checkpoint?.id, 1)
      await saveAll(successor, 2)
    },
  ),
  claiming("a leader that is closed gives its claim up, and a plain writer is still CKPT_FENCED", async (context) => {
    const plain = await context.open()
    const leader = await plain.claim()
    await saveAll(leader, 1)
    await leader.close()
    await refusal(plain.save(manifestOf(9)), "CKPT_FENCED")
    const successor = await claimed(context)
    assert.equal((await successor.recover()).checkpoint?.id, 1)
    await saveAll(successor, 2)
  }),
  claiming("each prefix has a claim of its own", async (context) => {
    const [left, right] = [
      await claimed(context, { prefix: "left" }),
      await claimed(context, { prefix: "right/deep/" }),
    ]
    await saveAll(left, 1)
    await saveAll(right, 1)
    const plain = await context.open({ prefix: "plain" })
    await saveAll(plain, 1)
    await refusal((await context.open({ prefix: "left" })).save(manifestOf(9)), "CKPT_FENCED")
    const successor = await claimed(context, { prefix: "left" })
    await refusal(left.save(manifestOf(9)), "CKPT_FENCED")
    for (const store of [successor, right, plain]) await saveAll(store, 2)
  }),
  claimingInHistory("retention of a leader deletes nothing that it cannot judge either", async (context) => {
    const { keys, peek, plant } = context
    const leader = await claimed(context)
    await leader.recover()
    await saveAll(leader, ...range(1, 6))
    const change = async (id: number, from: string, to: string) =>
      plant(keys.manifest(id), text(await peek(keys.manifest(id))).replace(from, to))
    await change(4, '"version": 1', '"version": 2')
    await change(5, `"epoch": 5`, `"epoch": 9`)
    assert.deepEqual((await leader.prune({ last: 3 })).removed, [1])
    await saveAll(leader, ...range(7, 9))
    assert.deepEqual((await leader.prune({ last: 3 })).removed, [2, 3, 5, 6])
    assert.deepEqual(await leader.ids(), [4, 7, 8, 9])
  }),
]
