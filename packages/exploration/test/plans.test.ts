import { expect, test } from "vitest"
import { explore } from "../src/explore.js"
import { mutants } from "../src/mutants/index.js"
import { mutantOptions } from "../src/mutants/mutant-core.js"
import type { PlanName } from "../src/scenario/plans.js"

/** A mutant that schedules of the plan find soon. A plan that finds none may play nothing of what it says. */
const finds: Readonly<Record<PlanName, string>> = {
  plain: "compare-and-swap is a plain put",
  updates: "an update whose answer was lost is applied once more",
  retention: "a lost swap of the history passes for done",
  collection: "collection at or above the latest valid checkpoint",
  "slow saves": "the pointer moves back",
  "collection beside own saves": "collection raises no floor",
  pins: "swaps without a token of their own",
  readers: "a listing that lacks what must be there passes for whole",
  "read while pruned": "a listing that lacks what must be there passes for whole",
  "ids used twice": "no floor",
  "one process": "no floor",
  "one process, slow saves": "no floor",
  claims: "a save is acknowledged by the history of before",
  superseded: "a save is acknowledged without the history",
  "claims and deletes": "a claim does not keep what counts",
  "first claim": "a save ignores a claim that is being made",
  "updates at a claim": "an update does not ask who leads",
  long: "no floor",
  "history lost": "a lost history is taken for empty",
  "history rolled back": "a manifest above the epoch is judged all the same",
  "manifests damaged": "a listing that lacks what must be there passes for whole",
  "beside the reference": "a listing that lacks what must be there passes for whole",
  "lagging listings": "what pointer or history names is not looked at by itself",
  losses: "recovery says nothing of a lost checkpoint",
  "lost folders": "a listing that lacks what must be there passes for whole",
  "all is lost": "loadLatest says that nothing was saved where all is lost",
  aborts: "a call that is given up waits for its request",
  closing: "close waits for no call",
  "pointer lost": "a garbled pointer is an error",
  "states damaged": "recovery looks at the size of a state alone",
  "manifests rolled back": "an update that took effect before a claim passes for refused",
  expiry: "loadLatest, list and ids say nothing of a lost checkpoint",
  "damage at rest": "a claim keeps only what it can read",
  "weak listings": "what a delete could not remove passes for removed",
  throttled: "a failure that changed nothing passes for unknown",
  disk: "the folder of new names is not synced",
  "failing syncs": "a sync that failed passes for done",
  threads: "pieces that nobody names go at once",
  "slow puts": "a copy names pieces of the original's day",
  "threads copied and deleted": "a deletion begins with the pieces",
  "threads damaged": "pieces go while a checkpoint is damaged",
  "threads, weak listings": "the latest of a thread may go",
}

test.each(Object.entries(finds))("%s finds that %s", async (plan, name) => {
  const mutant = mutants.find((one) => one.name === name)
  if (mutant === undefined) return expect.fail(`no mutant ${name}`)
  const { found } = await explore(plan as PlanName, 1, 1_000, await mutantOptions(mutant))
  expect(found?.violation.message, "1,000 schedules violate nothing").toBeDefined()
})
