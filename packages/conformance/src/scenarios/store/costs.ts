import assert from "node:assert/strict"
import type { CheckpointStore, ObjectBackend, ObjectContent } from "@ckpt/core"
import { Activity } from "../../harness/activity.js"
import { type CallInfo, intercept } from "../../harness/faults.js"
import type { ScenarioContext } from "../../harness/scenario.js"
import { saveAll } from "../support.js"

/** The number of requests that core has under way at once, where an operation needs many. */
export const concurrency = 16

/** The cost of an operation. */
export interface Cost {
  /** Rounds of requests, one after the other. All requests of a round are made together. */
  readonly rounds: number
  readonly calls: readonly CallInfo[]
}

/**
 * A storage on which every request takes equally long. Requests that are made before the next answer belong to one
 * round and are answered together. The next round begins once all of them are answered and their bodies read. So the
 * number of rounds is the length of the critical path, whatever the storage's latency.
 */
function inRounds(backend: ObjectBackend): { backend: ObjectBackend; cost(): Cost; reset(): void } {
  let rounds = 0
  let calls: CallInfo[] = []
  let waiting: (() => void)[] = []
  const activity = new Activity()
  // Long enough for everything that follows from an answer, hashing included, to make its requests.
  const quietTurns = 10
  const serve = async () => {
    for (let seen = -1; waiting.length > seen; ) {
      seen = waiting.length
      await activity.finished(quietTurns)
    }
    rounds++
    const served = waiting
    waiting = []
    for (const answer of served) answer()
  }
  const slow = intercept(backend, {
    async around(info, proceed) {
      calls.push(info)
      await new Promise<void>((resolve) => {
        if (waiting.push(resolve) === 1) void serve()
      })
      const answer = await activity.during(proceed)
      return info.call === "get" ? activity.body(answer as ObjectContent | undefined) : answer
    },
  })
  return {
    backend: slow,
    cost: () => ({ rounds, calls: [...calls] }),
    reset() {
      rounds = 0
      calls = []
    },
  }
}

/** The cost of `run` on a store that has probed its storage, whose history is there, and that has seen it. */
export async function costOf(
  { open }: ScenarioContext,
  run: (store: CheckpointStore) => Promise<unknown>,
  options: { warmUp?: (store: CheckpointStore) => Promise<unknown>; retain?: { last: number } } = {},
): Promise<Cost> {
  let measured: ReturnType<typeof inRounds> | undefined
  const store = await open({
    ...(options.retain === undefined ? {} : { retain: options.retain }),
    through(backend) {
      measured = inRounds(backend)
      return measured.backend
    },
  })
  assert.ok(measured !== undefined)
  await (options.warmUp ?? warmUp)(store)
  await store.ids()
  measured.reset()
  await run(store)
  return measured.cost()
}

/** Saves a checkpoint. The history is created by the first claim, pin or removal. */
async function warmUp(store: CheckpointStore): Promise<void> {
  const id = await store.nextId()
  await saveAll(store, id)
  await store.pin(id, "warm")
  await store.unpin("warm")
}

/** Asserts the budget, and the exact cost of today. A lower cost is welcome; note it here then. */
export function assertCost({ rounds, calls }: Cost, budget: number, today: number, requests: number): void {
  const made = calls.map(({ call, key }) => `${call} ${key}`).join(", ")
  assert.ok(rounds <= budget, `${rounds} rounds, the budget is ${budget}: ${made}`)
  assert.equal(rounds, today, made)
  assert.equal(calls.length, requests, made)
}

/** The number of requests that delete so many keys. */
export function batches({ raw }: ScenarioContext, keys: number): number {
  return Math.ceil(keys / raw.capabilities.maxDeleteBatch)
}

/** The number of listings that show all manifests and states: one where both have the same prefix. */
export function listings({ layout }: ScenarioContext): number {
  return layout === "objects" ? 2 : 1
}
