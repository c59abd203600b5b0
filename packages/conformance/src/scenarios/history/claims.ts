import assert from "node:assert/strict"
import type { CheckpointManifest } from "@ckpt/core"
import { ambiguous, type CallInfo, withFaults } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { until } from "../../harness/waiting.js"
import { bytes, listedIds, manifestOf, range, refusal, saveAll, stateText, text } from "../support.js"
import { claimed, claiming, claimingInPointer, claimsIn, heldWrite, latestId } from "./claim-support.js"

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
  claimingInPointer("an acknowledged checkpoint above the pointer counts after the claim", async (context) => {
    const on = ({ call, key }: CallInfo) => call === "put" && key === context.keys.pointer
    const plain = await context.open()
    await saveAll(plain, 1)
    const unlucky = await context.open({
      through: (backend) => withFaults(backend, { on, at: "before", error: ambiguous }),
    })
    assert.equal((await unlucky.save(manifestOf(2))).isLatest, false)
    const leader = await claimed(context)
    assert.equal((await leader.recover()).checkpoint?.id, 2)
    await refusal(leader.save(manifestOf(2, { epoch: 5 })), "CKPT_CONFLICT")
  }),
  claiming("an empty store is still fresh after a claim", async (context) => {
    const leader = await claimed(context)
    assert.deepEqual([(await leader.recover()).outcome, await leader.nextId()], ["fresh", 1])
    await saveAll(leader, 1)
    assert.equal((await leader.recover()).checkpoint?.id, 1)
  }),
  claiming("50 saves of a leader at once are committed in the order of their ids", async (context) => {
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
    if (claimsIn(context) !== "pointer") return
    const error = await refusal(leader.save(manifestOf(55)), "CKPT_CONFLICT")
    assert.match(error.message, /the pointer is at 60/)
    assert.ok(!(await context.allKeys()).includes(context.keys.manifest(55)))
  }),
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
  claimingInPointer("the pointer begins with checkpoint_id and lists every claim", async (context) => {
    await saveAll(await context.open(), 1)
    const leader = await claimed(context)
    await saveAll(leader, 2)
    await claimed(context)
    const pointer = JSON.parse(text(await context.peek(context.keys.pointer))) as Record<string, unknown>
    assert.equal(Object.keys(pointer)[0], "checkpoint_id")
    assert.deepEqual(pointer["claims"], [
      { epoch: 1, from: 1 },
      { epoch: 2, from: 2 },
    ])
    assert.equal((pointer["writer"] as { epoch: number }).epoch, 2)
  }),
  claimingInPointer("a leader's save waits for a save of a lower id that is under way", async (context) => {
    const held = heldWrite(context.keys.state(1))
    const leader = await claimed(context, { through: held.through })
    const first = leader.save(manifestOf(1), { state: bytes("slow") })
    await held.reached
    let second: unknown
    const later = leader.save(manifestOf(2)).then((receipt) => {
      second = receipt
    })
    await context.settled()
    assert.equal(second, undefined)
    held.release()
    await Promise.all([first, later])
    await until(() => second !== undefined)
    assert.equal(await latestId(leader), 2)
  }),
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
  claimingInPointer("retention of a leader deletes nothing that it cannot judge either", async (context) => {
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
