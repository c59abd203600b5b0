import assert from "node:assert/strict"
import { BackendError } from "@ckpt/core"
import {
  ambiguous,
  type CallInfo,
  type Fault,
  intercept,
  permanent,
  transient,
  withFaults,
  withoutCommit,
} from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { takingStreams } from "../../harness/streams.js"
import { bytes, manifestOf, refusal, saveAll, streamOf } from "../support.js"
import { assertSound, isStep, victimOf } from "./victim.js"

/** Answers that are lost every time, and sources that can be read only once. */
export const lostForGoodScenarios: readonly Scenario[] = [
  {
    name: "lost answer of every manifest put, none of which takes effect: CKPT_UNKNOWN_OUTCOME after at most 4 puts",
    async run(context) {
      const victim = await victimOf(context, "manifest", {
        on: isStep(context, "manifest", 2),
        at: "before",
        error: ambiguous,
      })
      await refusal(victim.store.save(manifestOf(2), { state: bytes("ours") }), "CKPT_UNKNOWN_OUTCOME", 2)
      assert.ok(victim.steps() <= 4, `${victim.steps()} puts`)
      assert.deepEqual(victim.deleted(), [])
    },
  },
  {
    name: "lost answer of a manifest put, then a refusal: CKPT_UNKNOWN_OUTCOME, since the first put may still land",
    async run(context) {
      const on = isStep(context, "manifest", 2)
      const puts: Fault[] = [
        { on, at: "before", error: ambiguous, times: 1 },
        { on, at: "before", error: () => new BackendError("denied", "the credentials have expired") },
      ]
      const store = await context.open({ through: (backend) => withFaults(withoutCommit(backend), ...puts) })
      await refusal(store.save(manifestOf(2), { state: bytes("ours") }), "CKPT_UNKNOWN_OUTCOME", 2)
    },
  },
  {
    name: "lost answer of an update, then a refusal: CKPT_UNKNOWN_OUTCOME",
    async run(context) {
      await saveAll(await context.open(), 1)
      const on = ({ call, key }: CallInfo) => call === "put" && key === context.keys.manifest(1)
      for (const later of [permanent, transient]) {
        const puts: Fault[] = [
          { on, at: "before", error: ambiguous, times: 1 },
          { on, at: "before", error: later },
        ]
        const store = await context.open({ through: (backend) => withFaults(backend, ...puts) })
        const updating = store.update(1, (current) => ({ ...current, epoch: 2 }))
        await refusal(updating, "CKPT_UNKNOWN_OUTCOME", 1)
      }
    },
  },
  {
    name: "lost answer of every state put, none of which takes effect: CKPT_IO after at most 4 puts",
    async run(context) {
      const victim = await victimOf(context, "state", {
        on: isStep(context, "state", 2),
        at: "before",
        error: ambiguous,
      })
      const error = await refusal(victim.store.save(manifestOf(2), { state: bytes("ours") }), "CKPT_IO", 2)
      assert.equal(error.retryable, true)
      assert.ok(victim.steps() <= 4, `${victim.steps()} puts`)
      assert.equal(await (await context.open()).load(2), undefined)
    },
  },
  {
    name: "a history that cannot be read once the manifest is there: CKPT_UNKNOWN_OUTCOME, and the same save again succeeds",
    async run(context) {
      const { keys, open } = context
      let isThere = false
      const victim = await victimOf(context, "manifest")
      const store = await open({
        through: (backend) =>
          intercept(withoutCommit(backend), {
            async around({ call, key }, proceed) {
              if (isThere && call === "get" && key === keys.history) throw permanent()
              const answer = await proceed()
              if (call === "put" && key === keys.manifest(2)) isThere = true
              return answer
            },
          }),
      })
      const manifest = manifestOf(2)
      const error = await refusal(store.save(manifest, { state: bytes("ours") }), "CKPT_UNKNOWN_OUTCOME", 2)
      assert.equal(error.retryable, true)
      assert.deepEqual(victim.deleted(), [])
      isThere = false
      assert.equal((await store.save(manifest, { state: bytes("ours") })).outcome, "existed")
      await assertSound(context, 2, "ours")
    },
  },
  {
    name: "a pointer that cannot be read costs a save an event, and nothing else",
    async run(context) {
      const { events, keys } = context
      const isPointer = ({ call, key }: CallInfo) => key === keys.pointer && (call === "get" || call === "put")
      // Without a history, the pointer is asked whether there was one.
      const other = await context.open()
      await saveAll(other, 1)
      await other.pin(1, "kept")
      const store = await context.open({
        through: (backend) => withFaults(withoutCommit(backend), { on: isPointer, at: "before", error: permanent }),
      })
      const receipt = await store.save(manifestOf(2), { state: bytes("ours") })
      assert.deepEqual([receipt.outcome, receipt.isLatest], ["created", false])
      assert.ok(events.some((event) => event.type === "pointer-failed" && event.id === 2))
      await assertSound(context, 2, "ours")
    },
  },
  {
    name: "lost answer of every pointer put, none of which takes effect: the save succeeds without being the latest",
    async run(context) {
      const victim = await victimOf(context, "pointer", {
        on: isStep(context, "pointer", 2),
        at: "before",
        error: ambiguous,
      })
      const receipt = await victim.store.save(manifestOf(2), { state: bytes("ours") })
      assert.deepEqual([receipt.outcome, receipt.isLatest], ["created", false])
      assert.ok(victim.steps() <= 4, `${victim.steps()} puts`)
      assert.ok(context.events.some((event) => event.type === "pointer-failed" && event.id === 2))
      await assertSound(context, 2, "ours")
    },
  },
  {
    name: "lost answer of a streamed state that took effect: the save compares the rest of the source and succeeds",
    async run(context) {
      const victim = await victimOf(context, "state", {
        on: isStep(context, "state", 2),
        at: "after",
        error: ambiguous,
      })
      const receipt = await victim.store.save(manifestOf(2), { state: streamOf("streamed, ", "twice never") })
      assert.equal(receipt.outcome, "created")
      await assertSound(context, 2, "streamed, twice never")
    },
  },
  {
    name: "lost answer of a streamed state that took no effect: the save is CKPT_IO, and succeeds with a new source",
    async run(context) {
      const on = isStep(context, "state", 2)
      // The storage takes the whole body, and then the connection breaks.
      let broken = 0
      const store = await context.open({
        through(backend) {
          const plain = takingStreams(withoutCommit(backend))
          return {
            ...plain,
            async put(key, body, options) {
              if (!on({ call: "put", key, index: 0 }) || broken++ > 0) return plain.put(key, body, options)
              for await (const _ of body) {
                // Sent into the void.
              }
              throw ambiguous()
            },
          }
        },
      })
      const error = await refusal(store.save(manifestOf(2), { state: streamOf("a", "b") }), "CKPT_IO", 2)
      assert.equal(error.retryable, true)
      assert.equal(await store.load(2), undefined)
      await store.save(manifestOf(2), { state: streamOf("a", "b") })
      await assertSound(context, 2, "ab")
    },
  },
]
