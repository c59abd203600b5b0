import assert from "node:assert/strict"
import type { CheckpointManifest, CheckpointStore, ObjectBackend } from "@ckpt/core"
import { until } from "../../harness/clocks.js"
import { ambiguous, type CallInfo, heldCall, intercept, permanent, withFaults } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { bytes, listAll, manifestOf, refusal, saveAll, stateText } from "../support.js"

/** Where claims live: in the pointer, or with a backend that knows claims of its own. */
function claimsIn({ layout, raw }: ScenarioContext): "pointer" | "backend" | undefined {
  if (layout === "objects" && raw.capabilities.compareAndSwap === "storage") return "pointer"
  return raw.claim === undefined ? undefined : "backend"
}

/** Runs where a claim can hold; elsewhere the store must say that it cannot. */
function claiming(name: string, run: (context: ScenarioContext) => Promise<void>): Scenario {
  return {
    name: `claim: ${name}`,
    async run(context) {
      if (claimsIn(context) !== undefined) return run(context)
      await refusal((await context.open()).claim(), "CKPT_UNSUPPORTED")
      // Nothing was written by the attempt.
      assert.equal((await (await context.open()).recover()).outcome, "fresh")
    },
  }
}

/** Looks at claims in the pointer, or at what is written before the pointer decides: elsewhere there is neither. */
function claimingInPointer(name: string, run: (context: ScenarioContext) => Promise<void>): Scenario {
  return claiming(`in the pointer: ${name}`, async (context) => {
    if (claimsIn(context) === "pointer") return run(context)
    const leader = await claimed(context)
    assert.equal((await leader.recover()).outcome, "fresh")
    await saveAll(leader, 1)
  })
}

/** Claims, and closes what it got with the scenario. */
async function claimed(
  context: ScenarioContext,
  options: Parameters<ScenarioContext["open"]>[0] = {},
): Promise<CheckpointStore> {
  return (await context.open(options)).claim()
}

/** The first write of this key waits for a gate. */
function heldWrite(key: string) {
  return heldCall(({ call, key: first, keys = [first] }) => (call === "put" || call === "commit") && keys.includes(key))
}

const latestId = async (store: CheckpointStore) => (await store.loadLatest())?.checkpointId

export const claimScenarios: readonly Scenario[] = [
  claiming("the one that claimed writes, whoever wrote before is told", async (context) => {
    const plain = await context.open()
    await saveAll(plain, 1, 2)
    const leader = await plain.claim()
    assert.equal((await leader.recover()).checkpoint?.id, 2)
    await saveAll(leader, 3)
    await refusal(plain.save(manifestOf(4)), "CKPT_FENCED")
    // Its own, which the claim marked meanwhile, and what conflicts with it: no other id would help.
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
    assert.deepEqual(
      (await listAll(reader)).map(({ id }) => id),
      [1, 2, 3, 5],
    )
  }),
  claiming("a zombie that wakes after its successor saved changes nothing", async (context) => {
    // With the successor's own id, and with one above it.
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
      // Without a state: that of the zombie lies there, and may be another's.
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
    "what a zombie wrote above its successor does not count, now or later, and goes with retention",
    async (context) => {
      const zombie = await claimed(context)
      await saveAll(zombie, 1)
      const successor = await claimed(context)
      // Its manifest arrives; its swap is refused.
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
  claimingInPointer("a swap whose answer was lost is settled: it took effect", async (context) => {
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
    "a swap whose answer was lost, and then another claimed: what counts is a success",
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
              // Between the swap and the look back.
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
  claimingInPointer("a swap that certainly failed leaves open whether the checkpoint will count", async (context) => {
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
    // A retry of the same manifest finds out.
    assert.equal((await leader.save(manifest)).isLatest, true)
  }),
  claiming("an update that the superseded writer has under way is lost", async (context) => {
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
  claimingInPointer(
    "an update that landed, and then the pointer cannot be read: nobody knows, and it is not called a failure",
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
  claimingInPointer("an acknowledged checkpoint above the pointer is part of what is claimed", async (context) => {
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
  claiming("an empty store is claimed and still fresh", async (context) => {
    const leader = await claimed(context)
    assert.deepEqual([(await leader.recover()).outcome, await leader.nextId()], ["fresh", 1])
    await saveAll(leader, 1)
    assert.equal((await leader.recover()).checkpoint?.id, 1)
  }),
  claiming("50 saves at once go up in order, and a retry is unchanged", async (context) => {
    const leader = await claimed(context)
    const manifests = Array.from({ length: 50 }, (_, index) => manifestOf(index + 1))
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
  claiming("of claims at once each has an epoch of its own, and the last leads", async (context) => {
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
  ...(["before", "after"] as const).map((at) =>
    claiming(`the answer to each of its writes may be lost (${at} it took effect)`, async (context) => {
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
    }),
  ),
  claimingInPointer("the pointer stays readable to others, and tells the history", async (context) => {
    await saveAll(await context.open(), 1)
    const leader = await claimed(context)
    await saveAll(leader, 2)
    await claimed(context)
    const text = new TextDecoder().decode(await context.peek(context.keys.pointer))
    const pointer = JSON.parse(text) as Record<string, unknown>
    assert.equal(Object.keys(pointer)[0], "checkpoint_id")
    assert.deepEqual(pointer["claims"], [
      { epoch: 1, from: 1 },
      { epoch: 2, from: 2 },
    ])
    assert.equal((pointer["writer"] as { epoch: number }).epoch, 2)
  }),
  ...(["removed", "garbled"] as const).map((how) =>
    claimingInPointer(`a pointer that was ${how} loses no claim`, async (context) => {
      const zombie = await claimed(context)
      await saveAll(zombie, 1)
      const successor = await claimed(context)
      await refusal(zombie.save(manifestOf(9)), "CKPT_FENCED")
      await saveAll(successor, 10)
      if (how === "removed") await context.raw.delete([context.keys.pointer])
      else await context.plant(context.keys.pointer, "garbled")
      // Readers go by the claims' own objects, and nobody leads until the next claim.
      const reader = await context.open()
      assert.deepEqual([await latestId(reader), (await listAll(reader)).map(({ id }) => id)], [10, [1, 10]])
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
  claimingInPointer("saves of one writer wait for a lower id that is under way", async (context) => {
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
  claiming("a store that was closed gave its claim up, and a plain writer is refused all the same", async (context) => {
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
  claiming("what a superseded writer would remove stays", async (context) => {
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
