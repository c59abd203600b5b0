import type { Action } from "./action.js"
import { type Odds, usualOdds } from "./odds.js"
import type { Plan } from "./plan.js"
import type { Random } from "./random.js"
import type { ProcessPlan, Scenario } from "./scenario.js"
import { type PruneRules, type RunStep, threadNames } from "./thread-action.js"

// Milliseconds.
const minute = 60_000
const hour = 60 * minute
export const day = 24 * hour

/** A clock is off by a little less than a day at most. */
const offsets = [0, 0, day - 1, 1 - day, 13 * hour, -13 * hour]

/** The scenario of a plan of threads that a seed gives; `random` goes on to decide its schedule. */
export function threadScenarioOf(plan: Plan, random: Random): Scenario {
  const rate = random.chance(0.2) || plan.faults === false ? 0 : random.among([0.5, 1, 2])
  const passes = plan.passes ?? random.among([0, 0.02, 0.05, 0.15])
  const odds: Odds = {
    ...usualOdds(random, rate),
    slowBody: random.among([0, 0.05]),
    slowAnswer: random.among([0, 0.1]),
    passes: [passes / 4, passes / 2, passes, passes],
    ...plan.ways,
  }
  const opening: Action[] = []
  for (let runs = random.below(4); runs > 0; runs--) {
    opening.push(runOf(random, plan), { do: "wait", ms: random.among([hour, day, 2 * day, 4 * day]) })
  }
  const processes = Array.from({ length: random.among(plan.processes) }, (_, index) =>
    processOf(plan, plan.roles?.[index], random),
  )
  return {
    threads: true,
    start: "nothing",
    atRest: opening,
    processes,
    odds,
    attempts: random.among([1, 2, 3]),
    pageSize: random.among([2, 5, 1000, 1000]),
    contentVersions: random.chance(0.25),
    probesAreScheduled: random.chance(plan.probes ?? 0.05),
    steps: random.chance(0.1) ? 20 + random.below(80) : 3_000,
    lateArrive: random.chance(0.6),
  }
}

function processOf(plan: Plan, role: NonNullable<Plan["roles"]>[number] | undefined, random: Random): ProcessPlan {
  const actions: Action[] = [role?.first ?? { do: "jump", ms: random.among(offsets) }]
  const { weights } = role ?? plan
  for (let count = random.among((role ?? plan).actions); count > 0; count--) {
    const action = actionOf(random.weighted(weights), plan, random)
    actions.push(random.chance(plan.meanwhile ?? 0) ? { ...action, meanwhile: true } : action)
  }
  return { actions }
}

function actionOf(what: Action["do"], plan: Plan, random: Random): Action {
  const thread = random.chance(0.65) ? threadNames[0] : threadNames[1]
  const which = random.among([0, 0, 0, 1, 2])
  switch (what) {
    case "put writes":
    case "get tuple":
      return { do: what, thread, which }
    case "list tuples":
    case "delete thread":
      return { do: what, thread }
    case "prune thread":
      return { do: what, thread, rules: rulesOf(random) }
    case "copy thread":
      return random.chance(0.7) ? { do: what, from: "a", to: "b" } : { do: what, from: "b", to: "a" }
    case "damage object":
      return { do: what, thread, kind: random.among(["checkpoint", "checkpoint", "value"]), which: random.below(3) }
    case "wait":
      return { do: what, ms: random.among([minute, 5 * hour, day, 3 * day, 5 * day]) }
    case "jump":
      return { do: what, ms: random.among(offsets) }
    case "open":
      return { do: what }
    default:
      return runOf(random, plan)
  }
}

function runOf(random: Random, plan: Plan): Action {
  const steps = Array.from({ length: 1 + random.below(3) }, (): RunStep => {
    // Few values, so that one comes back after others.
    const sets = {
      ...(random.chance(0.5) ? { messages: random.below(3) } : {}),
      ...(random.chance(0.3) ? { notes: random.below(2) } : {}),
    }
    return {
      sets,
      ...(random.chance(0.4) ? { tasks: 1 + random.below(2), early: random.chance(0.3) } : {}),
      ...(random.chance(plan.delta ?? 0) ? { delta: true } : {}),
      ...(random.chance(plan.subgraphs ?? 0)
        ? { subgraph: { name: random.among(["once:1", "memory"]), first: random.chance(0.3) } }
        : {}),
    }
  })
  const thread = random.chance(0.65) ? threadNames[0] : threadNames[1]
  return { do: "run", thread, which: random.among([0, 0, 0, 0, 1, 2]), steps }
}

function rulesOf(random: Random): PruneRules {
  return random.among<PruneRules>([
    { last: 1 },
    { last: 1 },
    { last: 2 },
    { withinMs: random.among([hour, day, 2 * day]) },
    { last: 1, keeps: [random.below(4)] },
    { keeps: [1 + random.below(3)] },
    { last: 2, withinMs: day },
  ])
}
