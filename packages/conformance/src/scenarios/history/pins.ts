import assert from "node:assert/strict"
import type { CheckpointStore } from "@ckpt/core"
import { ambiguous, type CallInfo, calls, heldCall, withFaults } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { assertRecovers, listAll, refusal, saveAll } from "../support.js"

const pinned = async (store: CheckpointStore) =>
  (await listAll(store)).filter((summary) => summary.pins !== undefined).map(({ id, pins }) => [id, pins])

export const pinScenarios: readonly Scenario[] = [
  {
    name: "pins: a pinned checkpoint is never pruned, and list shows its pins",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1, 2, 3, 4)
      await store.pin(2, "before-upgrade")
      await store.pin(2, "audit.2026")
      assert.deepEqual(await store.pins(), [
        { name: "audit.2026", id: 2 },
        { name: "before-upgrade", id: 2 },
      ])
      assert.deepEqual(await pinned(store), [[2, ["audit.2026", "before-upgrade"]]])
      const dry = await store.prune({ last: 1 }, { dryRun: true })
      const real = await store.prune({ last: 1 })
      assert.deepEqual({ ...dry, dryRun: false }, real)
      assert.deepEqual(
        [real.removed, real.kept],
        [
          [1, 3],
          [2, 4],
        ],
      )
      // Another store and a policy that keeps nothing spare it too.
      await saveAll(store, 5)
      assert.deepEqual((await (await open()).prune({ keepIf: () => false })).kept, [2, 5])
      assert.equal((await store.verify(2)).valid, true)
    },
  },
  {
    name: "pins: an unpinned checkpoint goes with the next prune",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await store.pin(1, "keep")
      assert.deepEqual((await store.prune({ last: 1 })).removed, [2])
      assert.equal(await store.unpin("keep"), true)
      assert.equal(await store.unpin("keep"), false)
      assert.deepEqual(await store.pins(), [])
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1])
      assert.deepEqual(await store.ids(), [3])
    },
  },
  {
    name: "pins: the same pin again succeeds, and the name for another checkpoint is CKPT_CONFLICT",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1, 2)
      await store.pin(1, "one")
      await store.pin(1, "one")
      await refusal(store.pin(2, "one"), "CKPT_CONFLICT")
      await refusal((await open()).pin(2, "one"), "CKPT_CONFLICT")
      assert.deepEqual(await store.pins(), [{ name: "one", id: 1 }])
    },
  },
  {
    name: "pins: pin refuses a missing or damaged checkpoint, and a name that not every storage takes",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await plant(keys.manifest(2), "damaged")
      await refusal(store.pin(9, "missing"), "CKPT_NOT_FOUND")
      await refusal(store.pin(2, "damaged"), "CKPT_CORRUPT")
      for (const name of ["", ".hidden", "a/b", "..", "a b", "ä", "x".repeat(101)])
        await refusal(store.pin(1, name), "CKPT_INVALID")
      await refusal(store.pin(0, "zero"), "CKPT_INVALID")
      await refusal((await open({ readOnly: true })).pin(1, "x"), "CKPT_READ_ONLY")
      assert.deepEqual(await store.pins(), [])
      const longest = `${"x".repeat(90)}.000002.js`
      await store.pin(1, longest)
      assert.deepEqual(await store.pins(), [{ name: longest, id: 1 }])
    },
  },
  {
    name: "pins: remove refuses a pinned checkpoint and names the pin",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1, 2)
      await store.pin(1, "savepoint")
      const error = await refusal(store.remove(1), "CKPT_INVALID")
      assert.match(error.message, /savepoint/)
      await store.unpin("savepoint")
      assert.equal(await store.remove(1), true)
    },
  },
  {
    name: "pins: a pinned checkpoint that is damaged later stays and does not count towards last",
    async run({ open, keys, plant }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await store.pin(2, "evidence")
      await plant(keys.manifest(2), "damaged")
      assert.deepEqual((await store.prune({ last: 2 })).kept, [1, 2, 3])
      await assertRecovers(store, 3)
    },
  },
  {
    name: "pins: the state of a pinned checkpoint stays although its manifest is lost, and a copy of it makes it whole again",
    async run({ open, keys, peek, plant, raw }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await store.pin(1, "keep")
      await store.prune({ last: 1 })
      const manifest = (await peek(keys.manifest(1))) as Uint8Array
      await raw.delete([keys.manifest(1)])
      await (await open()).collectOrphans({ olderThanMs: 0 })
      const leader = raw.capabilities.compareAndSwap === "storage" ? await (await open()).claim() : await open()
      await leader.collectOrphans({ olderThanMs: 0 })
      await plant(keys.manifest(1), manifest)
      assert.equal((await leader.verify(1)).valid, true)
      assert.deepEqual(await leader.pins(), [{ name: "keep", id: 1 }])
    },
  },
  {
    name: "pins: prune, remove and collectOrphans go past a pinned checkpoint whose manifest is lost, and its pin stays",
    async run({ open, keys, peek, plant, raw }) {
      const store = await open()
      await saveAll(store, 1, 2, 3, 4, 5, 6)
      await store.pin(2, "savepoint")
      const manifest = (await peek(keys.manifest(2))) as Uint8Array
      await raw.delete([keys.manifest(2)])
      assert.equal(await (await open()).remove(3), true)
      assert.deepEqual((await (await open()).prune({ last: 2 })).removed, [1, 4])
      await store.writeState(7, new Uint8Array(10))
      await (await open()).collectOrphans({ olderThanMs: 0 })
      assert.deepEqual(await store.pins(), [{ name: "savepoint", id: 2 }])
      await plant(keys.manifest(2), manifest)
      assert.equal((await store.verify(2)).valid, true)
      await assertRecovers(store, 6)
    },
  },
  {
    name: "pins: pins outlive a lost or garbled pointer",
    async run({ open, keys, plant, raw }) {
      for (const spoil of [() => raw.delete([keys.pointer]), () => plant(keys.pointer, "garbled")]) {
        const store = await open()
        const first = await store.nextId()
        await saveAll(store, first, first + 1)
        await store.pin(first, `p${first}`)
        await spoil()
        await saveAll(await open(), first + 2)
        await (await open()).prune({ last: 1 })
        assert.equal((await store.verify(first)).valid, true)
        assert.ok((await store.pins()).some(({ id }) => id === first))
      }
    },
  },
  {
    name: "pins: a prune that decided before the pin spares the pinned checkpoint",
    async run({ open, keys }) {
      const pruning = heldCall(calls("put", keys.history))
      const store = await open({ through: pruning.through })
      const other = await open()
      await saveAll(other, 1, 2, 3)
      const report = store.prune({ last: 1 })
      await pruning.reached
      await other.pin(1, "late")
      pruning.release()
      assert.deepEqual([(await report).removed, (await report).kept], [[2], [1, 3]])
      assert.deepEqual(await other.ids(), [1, 3])
      assert.equal((await other.verify(1)).valid, true)
    },
  },
  {
    name: "pins: a pin that comes after the prune is CKPT_PRUNED",
    async run({ open, keys }) {
      const late = heldCall(calls("put", keys.history))
      const store = await open({ through: late.through })
      const other = await open()
      await saveAll(other, 1, 2, 3)
      const pinning = store.pin(1, "too-late")
      await late.reached
      await other.prune({ last: 1 })
      late.release()
      await refusal(pinning, "CKPT_PRUNED")
      assert.deepEqual(await other.pins(), [])
    },
  },
  {
    name: "pins: pin succeeds although the answers to its writes are lost",
    async run({ open }) {
      for (const at of ["after", "before"] as const) {
        const plain = await open()
        const first = await plain.nextId()
        await saveAll(plain, first, first + 1)
        const lost = {
          on: ({ call, key }: CallInfo) => call === "put" && !key.includes("probe"),
          at,
          error: ambiguous,
          times: 2,
        }
        const store = await open({ through: (backend) => withFaults(backend, lost) })
        await store.pin(first, `pin-${at}`)
        assert.ok((await (await open()).pins()).some(({ name, id }) => name === `pin-${at}` && id === first))
      }
    },
  },
  {
    name: "pins: a superseded writer can neither pin nor unpin",
    async run(context) {
      if (context.raw.capabilities.compareAndSwap !== "storage") return
      const plain = await context.open()
      await saveAll(plain, 1, 2)
      const old = await plain.claim()
      const leader = await (await context.open()).claim()
      await refusal(old.pin(1, "zombie"), "CKPT_FENCED")
      await leader.pin(1, "mine")
      await refusal(old.unpin("mine"), "CKPT_FENCED")
      assert.deepEqual(await plain.pins(), [{ name: "mine", id: 1 }])
      await saveAll(leader, 3, 4)
      assert.deepEqual((await leader.prune({ last: 1 })).kept, [1, 4])
    },
  },
  {
    name: "pins: every answer to the write of the history is lost, and one took effect: the pin succeeds",
    async run({ open, keys }) {
      await saveAll(await open(), 1)
      const on = calls("put", keys.history)
      const store = await open({
        retry: { attempts: 1 },
        through: (backend) => withFaults(backend, { on, at: "after", error: ambiguous }),
      })
      await store.pin(1, "kept")
      assert.deepEqual(await (await open()).pins(), [{ name: "kept", id: 1 }])
    },
  },
]
