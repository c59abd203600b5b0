import assert from "node:assert/strict"
import type { CheckpointStore, ObjectBackend } from "@ckpt/core"
import { ambiguous, type CallInfo, type Fault, intercept, recordCalls, transient, withCommit, withFaults, withoutCommit } from "../faults.js"
import type { Scenario, ScenarioContext } from "../scenario.js"
import { bytes, manifestOf, readAll, refusal, saveAll, streamOf, text } from "./checks.js"

type Step = "state" | "manifest" | "pointer" | "commit"
const steps: readonly Step[] = ["state", "manifest", "pointer", "commit"]

/** A backend on which this step is one call of its own. */
function shaped({ layout }: ScenarioContext, step: Step, backend: ObjectBackend): ObjectBackend {
  if (step !== "commit") return withoutCommit(backend)
  return backend.commit !== undefined && layout === "directory" ? backend : withCommit(backend)
}

function isStep({ keys }: ScenarioContext, step: Step, id: number): (info: CallInfo) => boolean {
  if (step === "commit") return ({ call }) => call === "commit"
  const key = step === "state" ? keys.state(id) : step === "manifest" ? keys.manifest(id) : keys.pointer
  return (info) => info.call === "put" && info.key === key
}

/** What a read-back of the step looks at. */
function isReadBack({ keys }: ScenarioContext, step: Step, id: number): (info: CallInfo) => boolean {
  const read = step === "pointer" ? [keys.pointer] : [keys.state(id), keys.manifest(id)]
  return ({ call, key }) => (call === "get" || call === "head") && read.includes(key)
}

interface Victim {
  readonly store: CheckpointStore
  readonly calls: CallInfo[]
  /** Calls of the step itself. */
  steps(): number
  /** Keys that were removed, but for the probe's. */
  deleted(): string[]
}

/** A store on which a step of saving checkpoint 2 goes wrong. Checkpoint 1 is there already. */
async function victimOf(context: ScenarioContext, step: Step, ...faults: Fault[]): Promise<Victim> {
  await saveAll(await context.open(), 1)
  let calls: CallInfo[] = []
  const store = await context.open({
    through(backend) {
      const recorded = recordCalls(withFaults(shaped(context, step, backend), ...faults))
      calls = recorded.calls
      return recorded.backend
    },
  })
  const on = isStep(context, step, 2)
  return {
    store,
    calls,
    steps: () => calls.filter(on).length,
    deleted: () => calls.flatMap(({ call, keys = [] }) => (call === "delete" ? keys : [])).filter((key) => !key.includes("probe")),
  }
}

async function assertSound({ open }: ScenarioContext, id: number, state: string): Promise<void> {
  const store = await open()
  assert.deepEqual(await store.verify(id), { id, valid: true, issues: [] })
  assert.equal(await readAll(await store.readState(id)), state)
  assert.equal((await store.recover()).checkpoint?.id, id)
}

const lostAndApplied = steps.map(
  (step): Scenario => ({
    name: `lost answer of the ${step}, which took effect: the save succeeds`,
    async run(context) {
      const on = isStep(context, step, 2)
      const victim = await victimOf(context, step, { on, at: "after", error: ambiguous, times: 1 })
      const receipt = await victim.store.save(manifestOf(2), { state: bytes("ours") })
      assert.deepEqual([receipt.outcome, receipt.isLatest], ["created", true])
      assert.equal(victim.steps(), 1)
      assert.deepEqual(victim.deleted(), [])
      await assertSound(context, 2, "ours")
    },
  }),
)

const lostAndNotApplied = steps.map(
  (step): Scenario => ({
    name: `lost answer of the ${step}, which took no effect: the save succeeds, or says that nobody knows`,
    async run(context) {
      const on = isStep(context, step, 2)
      const victim = await victimOf(context, step, { on, at: "before", error: ambiguous, times: 1 })
      const manifest = manifestOf(2)
      const saving = victim.store.save(manifest, { state: bytes("ours") })
      // A commit that took no effect may still be on its way; its caller asks again.
      if (step === "commit") await refusal(saving, "CKPT_UNKNOWN_OUTCOME", 2)
      else assert.deepEqual((await saving).isLatest, true)
      assert.deepEqual(victim.deleted(), [])
      await victim.store.save(manifest, { state: bytes("ours") })
      await assertSound(context, 2, "ours")
    },
  }),
)

const lostToAnother = steps.map(
  (step): Scenario => ({
    name: `lost answer of the ${step}, where another was first: the truth is told`,
    async run(context) {
      const other = await context.open()
      const on = isStep(context, step, 2)
      const victim = await victimOf(context, step)
      let met = false
      const store = await context.open({
        through: (backend) =>
          intercept(shaped(context, step, backend), {
            async around(info, proceed) {
              if (met || !on(info)) return proceed()
              met = true
              if (step === "pointer") await saveAll(other, 10)
              else if (step === "manifest") await other.save(manifestOf(2, { epoch: 77 }), { state: bytes("ours") })
              else await other.save(manifestOf(2), { state: bytes("another's") })
              throw ambiguous()
            },
          }),
      })
      const saving = store.save(manifestOf(2), { state: bytes("ours") })
      if (step === "pointer") {
        assert.deepEqual((await saving).isLatest, false)
        assert.match(text(await context.peek(context.keys.pointer)), /10\b/)
        assert.equal((await store.verify(2)).valid, true)
        return
      }
      await refusal(saving, "CKPT_CONFLICT", 2)
      assert.deepEqual(victim.deleted(), [])
      await assertSound(context, 2, step === "manifest" ? "ours" : "another's")
    },
  }),
)

const unreadable = steps.map(
  (step): Scenario => ({
    name: `lost answer of the ${step}, and no reading back: nobody knows, and nothing is cleaned up`,
    async run(context) {
      let lost = false
      const victim = await victimOf(
        context,
        step,
        { on: (info) => isStep(context, step, 2)(info) && (lost = true), at: "after", error: ambiguous, times: 1 },
        { on: (info) => lost && isReadBack(context, step, 2)(info), at: "before", error: transient },
      )
      const manifest = manifestOf(2)
      const error = await refusal(victim.store.save(manifest, { state: bytes("ours") }), "CKPT_UNKNOWN_OUTCOME", 2)
      assert.equal(error.retryable, true)
      assert.deepEqual(victim.deleted(), [])
      assert.ok((await context.allKeys()).includes(context.keys.state(2)))
      // Asked again when the storage answers, it is found out.
      await (await context.open()).save(manifest, { state: bytes("ours") })
      await assertSound(context, 2, "ours")
    },
  }),
)

const neverApplied: readonly Scenario[] = [
  {
    name: "lost answers of every manifest put, none of which takes effect: bounded, and nobody knows",
    async run(context) {
      const victim = await victimOf(context, "manifest", { on: isStep(context, "manifest", 2), at: "before", error: ambiguous })
      await refusal(victim.store.save(manifestOf(2), { state: bytes("ours") }), "CKPT_UNKNOWN_OUTCOME", 2)
      assert.ok(victim.steps() <= 4, `${victim.steps()} puts`)
      assert.deepEqual(victim.deleted(), [])
    },
  },
  {
    name: "lost answer of a manifest that reads back absent, below a listed id: not tried again",
    async run(context) {
      await saveAll(await context.open(), 7)
      const victim = await victimOf(context, "manifest", { on: isStep(context, "manifest", 2), at: "before", error: ambiguous })
      await refusal(victim.store.save(manifestOf(2), { state: bytes("ours") }), "CKPT_UNKNOWN_OUTCOME", 2)
      assert.equal(victim.steps(), 1)
      assert.deepEqual(victim.deleted(), [])
    },
  },
  {
    name: "lost answers of every state put, none of which takes effect: bounded, and the save failed",
    async run(context) {
      const victim = await victimOf(context, "state", { on: isStep(context, "state", 2), at: "before", error: ambiguous })
      const error = await refusal(victim.store.save(manifestOf(2), { state: bytes("ours") }), "CKPT_IO", 2)
      assert.equal(error.retryable, true)
      assert.ok(victim.steps() <= 4, `${victim.steps()} puts`)
      assert.equal((await context.open()).load(2) instanceof Promise, true)
      assert.equal(await (await context.open()).load(2), undefined)
    },
  },
  {
    name: "lost answers of every pointer put, none of which takes effect: the checkpoint is a success",
    async run(context) {
      const victim = await victimOf(context, "pointer", { on: isStep(context, "pointer", 2), at: "before", error: ambiguous })
      const receipt = await victim.store.save(manifestOf(2), { state: bytes("ours") })
      assert.deepEqual([receipt.outcome, receipt.isLatest], ["created", false])
      assert.ok(victim.steps() <= 4, `${victim.steps()} puts`)
      assert.ok(context.events.some((event) => event.type === "pointer-failed" && event.id === 2))
      await assertSound(context, 2, "ours")
    },
  },
  {
    name: "lost answer of a streamed state that took effect: the source is read on and compared",
    async run(context) {
      const victim = await victimOf(context, "state", { on: isStep(context, "state", 2), at: "after", error: ambiguous })
      const receipt = await victim.store.save(manifestOf(2), { state: streamOf("streamed, ", "twice never") })
      assert.equal(receipt.outcome, "created")
      await assertSound(context, 2, "streamed, twice never")
    },
  },
  {
    name: "lost answer of a streamed state that took no effect: the caller has to give it again",
    async run(context) {
      const on = isStep(context, "state", 2)
      // The body is taken, and then the connection breaks.
      let broken = 0
      const store = await context.open({
        through(backend) {
          const plain = withoutCommit(backend)
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

export const lostAnswerScenarios: readonly Scenario[] = [
  ...lostAndApplied,
  ...lostAndNotApplied,
  ...lostToAnother,
  ...unreadable,
  ...neverApplied,
]
