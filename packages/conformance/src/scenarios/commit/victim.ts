import assert from "node:assert/strict"
import type { CheckpointStore, ObjectBackend } from "@ckpt/core"
import { type CallInfo, type Fault, recorder, withCommit, withFaults, withoutCommit } from "../../harness/faults.js"
import type { ScenarioContext } from "../../harness/scenario.js"
import { readAll, saveAll } from "../support.js"

export type Step = "state" | "manifest" | "pointer" | "commit"
export const steps: readonly Step[] = ["state", "manifest", "pointer", "commit"]

/** A backend on which this step is a call of its own. */
export function shaped({ layout }: ScenarioContext, step: Step, backend: ObjectBackend): ObjectBackend {
  if (step !== "commit") return withoutCommit(backend)
  return backend.commit !== undefined && layout === "directory" ? backend : withCommit(backend)
}

export function isStep({ keys }: ScenarioContext, step: Step, id: number): (info: CallInfo) => boolean {
  if (step === "commit") return ({ call }) => call === "commit"
  const key = step === "state" ? keys.state(id) : step === "manifest" ? keys.manifest(id) : keys.pointer
  return (info) => info.call === "put" && info.key === key
}

/** Matches the calls that read the step back. */
export function isReadBack({ keys }: ScenarioContext, step: Step, id: number): (info: CallInfo) => boolean {
  const read = step === "pointer" ? [keys.pointer] : [keys.state(id), keys.manifest(id)]
  return ({ call, key }) => (call === "get" || call === "head") && read.includes(key)
}

export interface Victim {
  readonly store: CheckpointStore
  readonly calls: CallInfo[]
  /** The number of calls of the step itself. */
  steps(): number
  /** The deleted keys, without those of the probe. */
  deleted(): string[]
}

/** A store over checkpoint 1. On it a step of saving checkpoint 2 goes wrong. */
export async function victimOf(context: ScenarioContext, step: Step, ...faults: Fault[]): Promise<Victim> {
  await saveAll(await context.open(), 1)
  const { calls, through } = recorder()
  const store = await context.open({
    through: (backend) => through(withFaults(shaped(context, step, backend), ...faults)),
  })
  const on = isStep(context, step, 2)
  return {
    store,
    calls,
    steps: () => calls.filter(on).length,
    deleted: () =>
      calls.flatMap(({ call, keys = [] }) => (call === "delete" ? keys : [])).filter((key) => !key.includes("probe")),
  }
}

export async function assertSound({ open }: ScenarioContext, id: number, state: string): Promise<void> {
  const store = await open()
  assert.deepEqual(await store.verify(id), { id, valid: true, issues: [] })
  assert.equal(await readAll(await store.readState(id)), state)
  assert.equal((await store.recover()).checkpoint?.id, id)
}
