import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import type { CheckpointError, Objects } from "@ckpt/core"
import { ambiguous, calls, heldCall, recorder, transient, withFaults } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { bytes } from "../support.js"

const layout = "objects"
const text = (given: Uint8Array | undefined) => given && Buffer.from(given).toString()
const at = "place/thread/7/a"
const prefix = "place"

async function refused(promise: Promise<unknown>, code: string): Promise<CheckpointError> {
  const error = await promise.then(
    (answer) => assert.fail(`${code} was expected, and the answer was ${JSON.stringify(answer)}`),
    (reason: CheckpointError) => reason,
  )
  assert.equal(error.code, code, `${code} was expected, not ${error.code}: ${error.message}`)
  return error
}

/** Objects that have asked the storage what they ask before the first write. */
async function asked(
  context: ScenarioContext,
  options: Parameters<ScenarioContext["openObjects"]>[0] = {},
): Promise<Objects> {
  const objects = await context.openObjects({ prefix, ...options })
  const own = `asked/${randomUUID()}`
  await objects.create(own, bytes("x"))
  await objects.remove(own)
  return objects
}

const keysOf = async (objects: Objects, range?: Parameters<Objects["list"]>[0]) =>
  (await objects.list(range)).map(({ key }) => key)

export const objectScenarios: readonly Scenario[] = [
  {
    name: "objects: what was created is read, described, listed, replaced and removed",
    layout,
    async run(context) {
      const [objects, other] = [await context.openObjects({ prefix }), await context.openObjects({ prefix })]
      const made = await objects.create("thread/7/a", bytes("one"))
      assert.deepEqual([made.outcome, made.key, made.size], ["created", "thread/7/a", 3])
      assert.deepEqual(await other.create("thread/7/a", bytes("one")), { ...made, outcome: "existed" })
      const conflict = await refused(other.create("thread/7/a", bytes("two")), "CKPT_CONFLICT")
      assert.equal(conflict.key, "thread/7/a")
      const { outcome: _, ...info } = made
      assert.deepEqual(await other.head("thread/7/a"), info)
      const replaced = await objects.replace("thread/7/a", bytes("longer"), { version: made.version })
      const read = await objects.read("thread/7/a")
      assert.deepEqual([text(read?.bytes), read?.version, read?.size], ["longer", replaced.version, 6])
      await refused(objects.replace("thread/7/a", bytes("x"), { version: made.version }), "CKPT_CONFLICT")
      await refused(objects.replace("none", bytes("x"), { version: made.version }), "CKPT_NOT_FOUND")
      await objects.create("empty", new Uint8Array())
      assert.deepEqual(text((await other.read("empty"))?.bytes), "")
      assert.deepEqual(await keysOf(objects), ["empty", "thread/7/a"])
      await objects.remove(["empty", "thread/7/a", "never", "empty"])
      await objects.remove("thread/7/a")
      assert.deepEqual(await other.list(), [])
      assert.deepEqual([await other.read("empty"), await other.head("empty")], [undefined, undefined])
      // A version does not come back with the same bytes.
      const again = await objects.create("thread/7/a", bytes("one"))
      assert.deepEqual([again.outcome, again.version === made.version], ["created", false])
      assert.deepEqual(await context.allKeys(), [at])
    },
  },
  {
    name: "objects: among racers one alone creates, and one alone replaces a version",
    layout,
    async run(context) {
      const racers = await Promise.all(Array.from({ length: 8 }, () => asked(context)))
      const same = await Promise.all(racers.map((one) => one.create("same", bytes("same"))))
      assert.equal(same.filter(({ outcome }) => outcome === "created").length, 1)
      const settled = await Promise.allSettled(racers.map((one, n) => one.create("other", bytes(`by ${n}`))))
      const winner = settled.findIndex(({ status }) => status === "fulfilled")
      assert.equal(settled.filter(({ status }) => status === "fulfilled").length, 1)
      assert.equal(text((await racers[0]?.read("other"))?.bytes), `by ${winner}`)
      const { raw } = context
      if (raw.capabilities.compareAndSwap !== "storage") return
      const { version } = (await racers[0]?.head("same")) ?? assert.fail("the object is there")
      const swaps = await Promise.allSettled(racers.map((one, n) => one.replace("same", bytes(`by ${n}`), { version })))
      assert.equal(swaps.filter(({ status }) => status === "fulfilled").length, 1)
    },
  },
  {
    name: "objects: one whose bytes changed, were cut or belong to another key is never given, and can be replaced",
    layout,
    async run(context) {
      const { peek, plant } = context
      const objects = await asked(context)
      for (const key of ["thread/7/a", "thread/7/b"]) await objects.create(key, bytes(`of ${key}`))
      const stored = Buffer.from((await peek(at)) ?? assert.fail("the object is there"))
      const other = (await peek("place/thread/7/b")) ?? assert.fail("the other object is there")
      const flipped = Buffer.from(stored)
      flipped[70] = (flipped[70] as number) ^ 4
      for (const damaged of [
        flipped,
        stored.subarray(0, -1),
        stored.subarray(0, 10),
        Buffer.alloc(0),
        other,
        bytes("{}"),
      ]) {
        await plant(at, damaged)
        await refused(objects.read("thread/7/a"), "CKPT_CORRUPT")
        await refused(objects.create("thread/7/a", bytes("of thread/7/a")), "CKPT_CORRUPT")
        assert.deepEqual(await keysOf(objects), ["thread/7/a", "thread/7/b"])
      }
      const { version } = (await objects.head("thread/7/a")) ?? assert.fail("it is described")
      await objects.replace("thread/7/a", bytes("mended"), { version })
      assert.equal(text((await objects.read("thread/7/a"))?.bytes), "mended")
    },
  },
  {
    name: "objects: a lost answer is settled by reading, whether the write took effect or not",
    layout,
    async run(context) {
      for (const effect of ["after", "before"] as const) {
        const fault = { on: calls("put", `place/${effect}`), at: effect, error: ambiguous, times: 1 } as const
        const objects = await context.openObjects({ prefix, through: (backend) => withFaults(backend, fault) })
        assert.equal((await objects.create(effect, bytes("ours"))).outcome, "created")
        const replacing = await context.openObjects({ prefix, through: (backend) => withFaults(backend, fault) })
        const { version } = (await replacing.head(effect)) ?? assert.fail("the object is there")
        const replaced = await replacing.replace(effect, bytes("anew"), { version })
        const read = await objects.read(effect)
        assert.deepEqual([text(read?.bytes), read?.version], ["anew", replaced.version])
        const removal = { on: calls("delete"), at: effect, error: ambiguous, times: 1 } as const
        await (await context.openObjects({ prefix, through: (backend) => withFaults(backend, removal) })).remove(effect)
        assert.equal(await objects.head(effect), undefined)
      }
    },
  },
  {
    name: "objects: while nobody answers, the outcome is unknown, and the same call finds out",
    layout,
    async run(context) {
      const lost = { on: calls("put", at), at: "after", error: ambiguous } as const
      const deaf = { on: calls("get", at), at: "before", error: transient } as const
      const objects = await context.openObjects({ prefix, through: (backend) => withFaults(backend, lost, deaf) })
      const error = await refused(objects.create("thread/7/a", bytes("ours")), "CKPT_UNKNOWN_OUTCOME")
      assert.equal(error.retryable, true)
      const later = await asked(context)
      assert.equal((await later.create("thread/7/a", bytes("ours"))).outcome, "existed")
      await later.remove("thread/7/a")
      // Nothing arrives: nothing is there, and it may still come.
      const dropped = { ...lost, at: "before" } as const
      const silent = await context.openObjects({ prefix, through: (backend) => withFaults(backend, dropped) })
      await refused(silent.create("thread/7/a", bytes("ours")), "CKPT_UNKNOWN_OUTCOME")
      const { version } = await later.create("thread/7/a", bytes("theirs"))
      // Ours may have been there before theirs.
      await refused(silent.create("thread/7/a", bytes("ours")), "CKPT_UNKNOWN_OUTCOME")
      await refused(silent.replace("thread/7/a", bytes("ours"), { version }), "CKPT_UNKNOWN_OUTCOME")
      assert.equal(text((await later.read("thread/7/a"))?.bytes), "theirs")
    },
  },
  {
    name: "objects: an abort ends a call at once, and what failed for a moment is asked again",
    layout,
    async run(context) {
      const held = heldCall(calls("get", at))
      const busy = { on: calls("get", at), at: "before", error: transient, times: 3 } as const
      const objects = await asked(context, { through: (backend) => withFaults(held.through(backend), busy) })
      await objects.create("thread/7/a", bytes("ours"))
      const controller = new AbortController()
      const reading = objects.read("thread/7/a", { signal: controller.signal })
      await held.reached
      controller.abort(new Error("enough"))
      await assert.rejects(reading, /enough/)
      held.release()
      assert.equal(text((await objects.read("thread/7/a"))?.bytes), "ours")
    },
  },
  {
    name: "objects: pages of a long thread, and its latest entry, are listed in order",
    layout,
    async run(context) {
      const objects = await asked(context)
      const name = (n: number) => `t/${String(n).padStart(3, "0")}`
      await Promise.all(Array.from({ length: 30 }, (_, n) => objects.create(name(n), bytes(`${n}`))))
      for (const key of ["t-1", "t.1/x", "t0", "s"]) await objects.create(key, bytes(key))
      const seen: string[] = []
      for (let after = ""; ; after = seen.at(-1) ?? "") {
        const page = await keysOf(objects, { prefix: "t/", after, limit: 7 })
        seen.push(...page)
        if (page.length < 7) break
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 30 }, (_, n) => name(n)),
      )
      assert.deepEqual(await keysOf(objects, { prefix: "t/", limit: 1 }), ["t/000"])
      assert.deepEqual(await keysOf(objects, { prefix: "t/", after: "t/02" }), seen.slice(20))
      assert.deepEqual((await keysOf(objects)).slice(0, 4), ["s", "t-1", "t.1/x", "t/000"])
    },
  },
  {
    name: "budget: create 1 request, 2 if it exists; replace, head and a page of list 1; read 1; remove 1 for a batch",
    layout,
    async run(context) {
      const { calls: made, through } = recorder()
      const objects = await asked(context, { through })
      const costs = async (expected: readonly string[], call: () => Promise<unknown>) => {
        made.length = 0
        await call()
        assert.deepEqual(
          made.map(({ call: name, key }) => `${name} ${key}`),
          expected,
        )
      }
      let version = ""
      const { maxDeleteBatch } = context.raw.capabilities
      await costs([`put ${at}`], async () => ({ version } = await objects.create("thread/7/a", bytes("a"))))
      await costs([`put ${at}`, `get ${at}`], () => objects.create("thread/7/a", bytes("a")))
      await costs([`put ${at}`], () => objects.replace("thread/7/a", bytes("b"), { version }))
      await costs([`put ${at}`, `get ${at}`], () =>
        refused(objects.replace("thread/7/a", bytes("c"), { version }), "CKPT_CONFLICT"),
      )
      await costs([`get ${at}`], () => objects.read("thread/7/a"))
      await costs([`head ${at}`], () => objects.head("thread/7/a"))
      await costs(["list place/thread/7/"], () => objects.list({ prefix: "thread/7/", limit: 1 }))
      await costs(["list place/"], () => objects.list())
      const many = Array.from({ length: maxDeleteBatch + 1 }, (_, n) => `many/${n}`)
      await costs(["delete place/many/0", `delete place/many/${maxDeleteBatch}`], () => objects.remove(many))
      await costs([], () => objects.remove([]))
    },
  },
]
