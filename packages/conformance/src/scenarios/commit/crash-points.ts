import assert from "node:assert/strict"
import type { CheckpointStore } from "@ckpt/core"
import { dyingAt, withoutCommit } from "../../harness/faults.js"
import type { Scenario, ScenarioContext } from "../../harness/scenario.js"
import { bytes, isProbe, manifestOf, readAll, saveAll, stateText } from "../support.js"

/** The work of a process that dies in the middle of it. */
type Work = (store: CheckpointStore, id: number) => Promise<unknown>

const works: Readonly<Record<string, { run: Work; retain?: { last: number } }>> = {
  save: { run: (store, id) => saveAll(store, id) },
  "save without state": { run: (store, id) => store.save(manifestOf(id)) },
  "writeState, then save": {
    async run(store, id) {
      await store.writeState(id, bytes(stateText(id)))
      await store.save(manifestOf(id))
    },
  },
  "save with retention": {
    retain: { last: 1 },
    async run(store, id) {
      await saveAll(store, id)
      await store.ids()
    },
  },
  "save, then prune and collection": {
    async run(store, id) {
      await saveAll(store, id)
      await store.prune({ last: 1 })
      await store.collectOrphans({ olderThanMs: 0 })
    },
  },
  "save, then update": {
    async run(store, id) {
      await saveAll(store, id)
      await store.update(id, (current) => ({ ...current, sinkEpochs: { sink: id } }))
    },
  },
}

/** Of one work only, since they all begin alike: with the check of the storage, before anything is written. */
const dyingInProbe: keyof typeof works = "save"

/** Lets the process die at every call of its work in turn: once before the call takes effect, and once after it. */
async function atEveryCall({ open }: ScenarioContext, name: string, stepwise: boolean): Promise<void> {
  const work = works[name]
  assert.ok(work !== undefined)
  const first = await open()
  let base = 1
  await saveAll(first, base)
  await first.close()
  for (const at of ["before", "after"] as const) {
    for (let n = 1; ; n++) {
      const id = base + 1
      let acknowledged = 0
      let calls = 0
      const dying = dyingAt(({ key }) => (name === dyingInProbe || !isProbe(key)) && ++calls >= n, at)
      const victim = await open({
        ...(work.retain === undefined ? {} : { retain: work.retain }),
        through: (backend) => dying.through(stepwise ? withoutCommit(backend) : backend),
        onEvent(event) {
          if (event.type === "saved") acknowledged = event.id
        },
      })
      await work.run(victim, id).then(undefined, () => {})
      await victim.close()

      const where = `${name}, dead ${at} call ${n}`
      const after = await open()
      const found = await after.recover()
      assert.equal(found.outcome, "recovered", where)
      assert.deepEqual(found.skipped, [], where)
      const chosen = found.checkpoint?.id ?? 0
      assert.ok(chosen === id || (chosen === base && acknowledged < id), `${where}: ${chosen} after ${acknowledged}`)
      const state = await found.checkpoint?.state()
      if (state !== undefined || name !== "save without state") assert.equal(await readAll(state), stateText(chosen))
      assert.equal((await after.loadLatest())?.checkpointId, chosen, where)

      base = found.nextId
      await saveAll(after, base)
      assert.equal((await after.recover()).checkpoint?.id, base, where)
      // Keeps the number of calls from growing with n.
      if (name.includes("prune") || work.retain !== undefined) await after.prune({ last: 1 })
      await after.close()
      if (!dying.died()) {
        assert.ok(n > 2, `${name} made only ${n - 1} calls`)
        break
      }
    }
  }
}

export const crashScenarios: readonly Scenario[] = Object.keys(works).flatMap((name): Scenario[] => [
  {
    name: `crash at any call of "${name}": no acknowledged checkpoint is lost`,
    run: (context) => atEveryCall(context, name, false),
  },
  // In the object layout no storage has an atomic commit: every save goes step by step there.
  {
    name: `crash at any call of "${name}", step by step: no acknowledged checkpoint is lost`,
    layout: "directory",
    run: (context) => atEveryCall(context, name, true),
  },
])
