import assert from "node:assert/strict"
import { acceptCommitted, type CheckpointStore, json } from "@ckpt/core"
import { dyingAt } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { isChange } from "./changes.js"

/** A sink that survives its writer: what is prepared, and what is published, by checkpoint. To publish again does nothing. */
class Sink {
  readonly prepared = new Map<number, number>()
  readonly published = new Map<number, number>()

  publish(id: number): void {
    const output = this.prepared.get(id)
    assert.ok(output !== undefined, `checkpoint ${id} is published and was not prepared`)
    this.published.set(id, output)
  }
}

const pending = { windows: { status: "pending" } } as const

/** The recipe of docs/store/sinks.md: finishes what a crash left, and makes the next output. The state counts the outputs. */
async function oneOutput(store: CheckpointStore, sink: Sink): Promise<void> {
  const found = await store.recover()
  const last = found.checkpoint
  if (last?.manifest.sinkCommitStatuses["windows"]?.status === "pending") {
    sink.publish(last.id)
    await store.commitSink(last.id, "windows")
  }
  const output = ((await last?.json<number>()) ?? 0) + 1
  const manifest = await store.nextManifest({ sinkCommitStatuses: pending })
  sink.prepared.set(manifest.checkpointId, output)
  await store.save(manifest, { state: json(output) })
  sink.publish(manifest.checkpointId)
  await store.commitSink(manifest.checkpointId, "windows")
}

export const sinkScenarios: readonly Scenario[] = [
  {
    name: "programs: wherever a job with a two-phase sink dies, each output is published once",
    async run({ open }) {
      const sink = new Sink()
      for (const at of ["before", "after"] as const) {
        for (let n = 1; ; n++) {
          let calls = 0
          const { through, died } = dyingAt((call) => isChange(call) && ++calls >= n, at)
          const dying = await open({ through, retain: { last: 2 } })
          await oneOutput(dying, sink).then(undefined, () => {})
          await dying.close()
          const next = await open({ retain: { last: 2 } })
          await oneOutput(next, sink)
          await next.close()
          if (!died()) break
        }
      }
      const outputs = [...sink.published.values()]
      assert.deepEqual(
        outputs,
        outputs.map((_, index) => index + 1),
      )
      // State, manifest and pointer, or all of them at once; and the commit of the sink.
      assert.ok(outputs.length > 4, `${outputs.length} outputs`)
    },
  },
  {
    name: "programs: recover with acceptCommitted passes over a sink that is pending or failed",
    async run({ open }) {
      const store = await open()
      await store.saveNext({ sinkCommitStatuses: pending }, { state: json(1) })
      await store.commitSink(1, "windows")
      await store.saveNext({ sinkCommitStatuses: { ...pending, audit: { status: "committed" } } })
      await store.saveNext({ sinkCommitStatuses: { windows: { status: "failed", message: "no such table" } } })
      const found = await (await open()).recover({ accept: acceptCommitted })
      assert.deepEqual([found.checkpoint?.id, found.nextId], [1, 4])
      assert.deepEqual(
        found.skipped.map(({ id, issues }) => [id, issues[0]?.code]),
        [
          [3, "not-accepted"],
          [2, "not-accepted"],
        ],
      )
      assert.equal(await found.checkpoint?.json(), 1)
    },
  },
  {
    name: "programs: retention keeps the latest checkpoint that acceptCommitted accepts, however many are pending above it",
    async run({ open }) {
      const store = await open({ retain: { last: 1 } })
      await store.saveNext({ sinkCommitStatuses: pending }, { state: json(1) })
      await store.commitSink(1, "windows")
      for (let start = 2; start <= 5; start++) {
        const job = await open({ retain: { last: 1 } })
        const { checkpoint } = await job.recover({ accept: acceptCommitted })
        assert.equal(checkpoint?.id, 1, `start ${start}`)
        await job.saveNext({ sinkCommitStatuses: pending }, { state: json(start) })
        await job.prune({ last: 1 })
        assert.deepEqual(await job.ids(), [1, start])
      }
      await store.commitSink(5, "windows")
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1])
    },
  },
]
