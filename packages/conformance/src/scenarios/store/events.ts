import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { channel } from "node:diagnostics_channel"
import type { Scenario } from "../../harness/scenario.js"
import { bytes, manifestOf, refusal, saveAll } from "../support.js"

export const eventScenarios: readonly Scenario[] = [
  {
    name: "events: each operation emits its event with the ids that it concerns",
    async run({ open, keys, plant, events }) {
      const store = await open()
      await saveAll(store, 1, 2)
      await store.save(manifestOf(3))
      await store.update(2, (current) => ({ ...current, epoch: 9 }))
      await store.prune({ last: 2 })
      await plant(keys.manifest(4), "damaged")
      await store.recover()
      const told = events.map((event) => [
        event.type,
        "id" in event ? event.id : "removed" in event ? event.removed : undefined,
      ])
      assert.deepEqual(told, [
        ["saved", 1],
        ["saved", 2],
        ["saved", 3],
        ["updated", 2],
        ["pruned", [1]],
        ["skipped", 4],
        ["recovered", 3],
      ])
      const saved = events[0]
      assert.ok(saved?.type === "saved" && saved.isLatest && saved.outcome === "created" && saved.stateSize > 0)
    },
  },
  {
    name: "events: an error of a listener fails no operation",
    async run({ open }) {
      const store = await open({
        onEvent() {
          throw new Error("a bug of the listener")
        },
      })
      await saveAll(store, 1, 2)
      await store.prune({ last: 1 })
      assert.equal((await store.recover()).checkpoint?.id, 2)
    },
  },
  {
    name: "events: tracing channels carry operation, backend, id, bytes and the error",
    async run({ open }) {
      // The channels belong to the process: other stores may publish on them at the same time.
      const name = `traced ${randomUUID()}`
      const seen: { at: string; context: Record<string, unknown> }[] = []
      const listen = (at: string) => {
        const listener = (message: unknown) => {
          const context = message as Record<string, unknown>
          if (context["backend"] === name) seen.push({ at, context: { ...context } })
        }
        channel(`tracing:ckpt:save:${at}`).subscribe(listener)
        return () => channel(`tracing:ckpt:save:${at}`).unsubscribe(listener)
      }
      const stops = ["start", "asyncEnd", "error"].map(listen)
      try {
        const store = await open({ through: (backend) => ({ ...backend, name }) })
        await store.save(manifestOf(1), { state: bytes("12345") })
        await refusal(store.save(manifestOf(1), { state: bytes("other") }), "CKPT_CONFLICT", 1)
      } finally {
        for (const stop of stops) stop()
      }
      const [start, end] = seen
      assert.deepEqual([start?.at, start?.context["operation"], start?.context["id"]], ["start", "save", 1])
      assert.deepEqual([end?.at, end?.context["bytes"]], ["asyncEnd", 5])
      const failed = seen.find(({ at }) => at === "error")
      assert.equal((failed?.context["error"] as { code?: string } | undefined)?.code, "CKPT_CONFLICT")
    },
  },
]
