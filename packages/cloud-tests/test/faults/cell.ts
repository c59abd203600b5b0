import assert from "node:assert/strict"
import {
  CheckpointError,
  type CheckpointStore,
  type PruneReport,
  type Recovery,
  type SaveReceipt,
  type StoreEvent,
} from "@ckpt/core"
import type { FaultProxy, ProxiedRequest } from "@ckpt/fault-proxy"
import type { Cloud } from "../clouds/cloud.js"
import { ProxiedBucket } from "../clouds/proxied.js"
import type { CatalogueFault } from "./catalogue.js"
import type { FaultClock } from "./clock.js"
import { latestBefore, longState, manifestOf, newId, type Operation, stateOf } from "./operations.js"

/** The most requests of one operation: more would be a retry that does not end. */
const mostRequests = 40

const failures: readonly string[] = ["CKPT_IO", "CKPT_TIMEOUT", "CKPT_DENIED"]

/** Whether the fault can befall this request at all. */
export function applies(cloud: Cloud, operation: Operation, fault: CatalogueFault): boolean {
  if (fault.on === "requests with a body") return operation.hasRequestBody
  if (fault.on === "answers with a body") return operation.hasAnswerBody(cloud)
  return true
}

/**
 * Breaks one request of one operation. Resolves to the outcome, in the words of the table. Rejects a wrong outcome: a
 * success that is none, an error without need, a checkpoint that does not verify afterwards.
 */
export async function runCell(cloud: Cloud, operation: Operation, fault: CatalogueFault): Promise<string> {
  await using at = await ProxiedBucket.create(cloud)
  const { proxy, clock } = at
  const events: StoreEvent[] = []
  const store = await at.open({ onEvent: (event) => events.push(event) })
  // The steady state: the storage was probed, and the pointer is known.
  for (let id = 1; id <= latestBefore; id++) await store.save(manifestOf(id), { state: stateOf(id) })
  await operation.before?.(store)

  proxy.resetCounts()
  let hits = 0
  proxy.inject({
    when: (request) => operation.matches(cloud.see(request), request),
    times: fault.times ?? 1,
    fault(request) {
      hits++
      if (fault.hangs !== undefined) void timeOutWhen(fault.hangs, request, proxy, clock)
      return fault.fault({ cloud, request, afterBytes: operation.afterBytes })
    },
  })
  const outcome = await settle(operation.run(store))
  assert.ok(hits > 0, "no request was broken")
  assert.ok(proxy.requests.length <= mostRequests, `${proxy.requests.length} requests`)
  if (operation.isHint) assertHint(hits, outcome, events)
  else waitedAsAsked(fault, clock, outcome)
  proxy.clear()
  // Delayed requests have arrived by now, and lost ones are gone.
  await proxy.idle()
  // Awaited: the bucket and its stores end with this block.
  return await judge(at, operation, fault, outcome)
}

async function timeOutWhen(
  when: NonNullable<CatalogueFault["hangs"]>,
  broken: ProxiedRequest,
  proxy: FaultProxy,
  clock: FaultClock,
): Promise<void> {
  const far = {
    "when it arrived": () => true,
    "when the server answered": () => broken.serverAnswered !== undefined,
    "when the answer began": () => broken.answered !== undefined,
  }[when]
  // A stopped proxy rejects. The test that stopped it has its outcome by then.
  await proxy.seen((request) => request === broken && far()).catch(() => {})
  clock.timeOut()
}

type Outcome = { readonly value: unknown } | { readonly error: CheckpointError }

async function settle(running: Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await running }
  } catch (error) {
    assert.ok(error instanceof CheckpointError, `not a CheckpointError: ${String(error)}`)
    assert.ok(error.message.length > 20)
    return { error }
  }
}

/** The save does not fail with its hint, and does not wait for a second attempt. An event says so. */
function assertHint(hits: number, outcome: Outcome, events: readonly StoreEvent[]): void {
  assert.equal(hits, 1, "a hint is written once")
  assert.ok("value" in outcome, "the save failed with its hint")
  const told = events.filter(({ type }) => type === "pointer-failed").length
  assert.equal(told, (outcome.value as SaveReceipt).isLatest ? 0 : 1)
}

function waitedAsAsked(fault: CatalogueFault, clock: FaultClock, outcome: Outcome): void {
  if (!fault.name.includes("Retry-After")) return
  assert.ok("value" in outcome)
  assert.ok(clock.waits.includes(3_000), `waited ${clock.waits.join(", ")} ms`)
}

async function judge(
  at: ProxiedBucket,
  operation: Operation,
  fault: CatalogueFault,
  outcome: Outcome,
): Promise<string> {
  const expected = fault.outcome?.(at.cloud, operation) ?? (fault.times === undefined ? "survived" : "honest")
  if (expected === "survived" && "error" in outcome) throw outcome.error
  if (expected === "an error") assertFailed(outcome)
  const after = await at.openDirect()
  const text = await {
    save: () => judgeSave(after, operation, outcome),
    update: () => judgeUpdate(after, outcome),
    recover: () => judgeRecovery(outcome),
    collect: () => judgeCollection(at, outcome),
    prune: () => judgePrune(at, operation, outcome),
  }[operation.does]()
  // The store must go on after every outcome.
  const next = await after.nextId()
  assert.equal((await after.save(manifestOf(next))).outcome, "created")
  assert.equal((await after.loadLatest())?.checkpointId, next)
  return text
}

/** A save whose pointer alone failed is a success, and says so. A prune names the objects that it could not remove. */
function assertFailed(outcome: Outcome): void {
  if ("error" in outcome) return
  const { isLatest, failures } = outcome.value as Partial<SaveReceipt & PruneReport>
  assert.ok(isLatest === false || (failures !== undefined && failures.length > 0), "nothing was reported")
}

async function judgeSave(after: CheckpointStore, operation: Operation, outcome: Outcome): Promise<string> {
  const found = await after.recover()
  assert.deepEqual(found.skipped, [], "a checkpoint is damaged")
  const latest = found.checkpoint?.id
  assert.ok(latest === latestBefore || latest === newId, `recovered ${latest}`)
  if (latest === newId) {
    const state = await (await found.checkpoint?.state())?.bytes()
    const wanted = operation.inParts ? longState : stateOf(newId)
    assert.ok(state !== undefined && Buffer.from(wanted).equals(state), "the state has other bytes")
  }
  const there = latest === newId
  if ("value" in outcome) {
    assert.ok(there, "acknowledged, and not there")
    return (outcome.value as SaveReceipt).isLatest ? "saved" : "saved, the pointer is behind"
  }
  const { code } = outcome.error
  if (code === "CKPT_UNKNOWN_OUTCOME") return there ? `${code}; it is there` : `${code}; it is not there`
  assert.ok(failures.includes(code), `${code}: ${outcome.error.message}`)
  assert.ok(!there, `${code} says that nothing was saved, and it is there`)
  return code
}

async function judgeUpdate(after: CheckpointStore, outcome: Outcome): Promise<string> {
  const found = await after.recover()
  assert.deepEqual([found.skipped, found.checkpoint?.id], [[], latestBefore])
  const done = found.checkpoint?.manifest.sinkEpochs["out"] === newId
  if ("value" in outcome) {
    assert.ok(done, "acknowledged, and not there")
    return "updated"
  }
  const { code } = outcome.error
  if (code === "CKPT_UNKNOWN_OUTCOME") return done ? `${code}; it is there` : `${code}; it is not there`
  assert.ok(failures.includes(code), `${code}: ${outcome.error.message}`)
  assert.ok(!done, `${code} says that nothing was changed, and it was`)
  return code
}

async function judgeRecovery(outcome: Outcome): Promise<string> {
  if ("value" in outcome) {
    const found = outcome.value as Recovery
    assert.equal(found.outcome, "recovered")
    assert.equal(
      found.checkpoint?.id,
      latestBefore,
      `an older one although nothing is damaged: ${JSON.stringify(found.skipped)}`,
    )
    return "recovered"
  }
  const { code } = outcome.error
  assert.ok(failures.includes(code), `${code}: ${outcome.error.message}`)
  return code
}

/** There is no orphan, so no object may go, even if a listing lacks something. */
async function judgeCollection(at: ProxiedBucket, outcome: Outcome): Promise<string> {
  const keys = await at.keys()
  for (const id of [1, 2, 3, latestBefore]) {
    assert.ok(keys.includes(`checkpoints/state-00000${id}.bin`), `the state of ${id} is gone: ${keys.join(", ")}`)
  }
  if ("value" in outcome) return "nothing collected"
  const { code } = outcome.error
  assert.ok(failures.includes(code), `${code}: ${outcome.error.message}`)
  return code
}

async function judgePrune(at: ProxiedBucket, operation: Operation, outcome: Outcome): Promise<string> {
  const keys = await at.keys()
  const isThere = (id: number) => keys.some((key) => key.includes(`-${String(id).padStart(6, "0")}.`))
  assert.ok(isThere(latestBefore))
  if ("error" in outcome) {
    const { code } = outcome.error
    const codes = operation.name === "swap history" ? [...failures, "CKPT_UNKNOWN_OUTCOME"] : failures
    assert.ok(codes.includes(code), `${code}: ${outcome.error.message}`)
    if (operation.name !== "swap history") return code
    for (const id of [1, 2, 3]) {
      for (const key of [`manifests/manifest-00000${id}.json`, `checkpoints/state-00000${id}.bin`])
        assert.ok(keys.includes(key), `${key} was deleted although the history was not replaced`)
    }
    return `${code}, nothing removed`
  }
  const report = outcome.value as PruneReport
  // Every counted object is gone, and every remaining one is named. (A lost answer may name an object that is gone.)
  const named = new Set(report.failures.map(({ id }) => id))
  for (const id of [1, 2, 3]) {
    if (report.removed.includes(id)) assert.ok(!isThere(id), `${id} is counted as removed: ${keys.join(", ")}`)
    else assert.ok(named.has(id), `${id} is neither removed nor named`)
  }
  if (named.size === 0) return "pruned"
  return report.removed.length === 0 ? "nothing counted, failures named" : "pruned in part, failures named"
}
