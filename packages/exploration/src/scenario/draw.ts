import { type Action, type Damage, expiring, lostParts, manifestDamages, smallDamages, stateDamages } from "./action.js"
import { threadScenarioOf } from "./draw-threads.js"
import { type Odds, usualOdds } from "./odds.js"
import { type Plan, policyNames, reading } from "./plan.js"
import { type PlanName, plans } from "./plans.js"
import type { Random } from "./random.js"
import type { ProcessPlan, Scenario } from "./scenario.js"

// Milliseconds. Of a clock that is years ahead core knows that it is wrong; of one that is a day ahead it does not.
const day = 24 * 3600 * 1000
const tenYears = 10 * 365 * day

/** The scenario that a seed gives; `random` goes on to decide its schedule. */
export function scenarioOf(name: PlanName, random: Random): Scenario {
  const plan: Plan = plans[name]
  if (plan.threads === true) return threadScenarioOf(plan, random)
  const count = random.among(plan.processes)
  const processes = Array.from({ length: count }, (_, index) => {
    const reads =
      index === count - 1 && index > 0 && plan.roles?.[index] === undefined && random.chance(plan.observer ?? 0)
    return processOf(plan, plan.roles?.[index], reads, random)
  })
  const atRest = plan.atRest && damageAtRest(plan, plan.atRest, random)
  const calm = random.chance(0.2)
  const rate = calm || plan.faults === false ? 0 : random.among([0.5, 1, 2])
  const odds: Odds = {
    ...usualOdds(random, rate),
    slowBody: random.among([0, 0.05, 0.3]),
    ...(plan.slowAnswer === undefined ? {} : { slowAnswer: plan.slowAnswer }),
    ...(plan.lags === undefined ? {} : { lags: plan.lags }),
    ...plan.ways,
  }
  return {
    start: random.among(plan.starts),
    ...(plan.layout === undefined ? {} : { layout: plan.layout }),
    ...(plan.disk === undefined ? {} : { disk: plan.disk }),
    ...(atRest === undefined ? {} : { atRest }),
    processes,
    odds,
    attempts: random.among([1, 2, 3]),
    pageSize: random.among([1, 2, 1000, 1000]),
    contentVersions: random.chance(0.25),
    probesAreScheduled: random.chance(plan.probes ?? 0.05),
    steps: random.chance(0.2) ? 5 + random.below(40) : 2_000,
    lateArrive: random.chance(0.6),
  }
}

function damageAtRest(plan: Plan, { weights, actions }: NonNullable<Plan["atRest"]>, random: Random): Damage[] {
  const count = random.among(actions)
  return Array.from({ length: count }, () => ({
    ...(actionOf(random.weighted(weights), plan, random) as Damage),
    after: 0,
  }))
}

type Role = NonNullable<Plan["roles"]>[number]

function processOf(plan: Plan, role: Role | undefined, reads: boolean, random: Random): ProcessPlan {
  const weights = role?.weights ?? (reads ? reading : plan.weights)
  const actions: Action[] = []
  if (role?.first !== undefined) actions.push(role.first)
  if (!reads && random.chance(plan.claimsFirst ?? 0)) actions.push({ do: "claim" })
  if (role === undefined && random.chance(0.3)) actions.push({ do: "recover" })
  const count = random.among((role ?? plan).actions)
  for (let index = 0; index < count; index++) {
    const action = actionOf(random.weighted(weights), plan, random)
    const isSimple = action.do === "release" || action.do === "close" || action.do === "open"
    const goesOn = random.chance(plan.meanwhile ?? 0) && (!isSimple || action.do === "release")
    const given = goesOn ? { ...action, meanwhile: true } : action
    // Most operations have ended after twelve requests.
    const aborts = plan.aborts !== undefined && random.chance(plan.aborts) && !isSimple
    actions.push(aborts ? { ...given, abortAt: 1 + random.below(24) } : given)
  }
  const retains = !reads && random.chance(plan.retain ?? 0)
  return retains ? { actions, retain: random.among(["last 1", "last 2"]) } : { actions }
}

function actionOf(what: Action["do"], plan: Plan, random: Random): Action {
  switch (what) {
    case "save":
      return saveOf(plan, random)
    case "update":
    case "remove":
    case "readState":
    case "load":
    case "verify":
      return { do: what, which: random.among([0, 0, 1, 1, 2, 3]) }
    case "prune":
      return { do: what, policy: random.among(plan.policies ?? policyNames) }
    case "collectOrphans":
      return { do: what, olderThanMs: random.among(plan.ages ?? [0, 1_000, 3_600_000]) }
    case "pin":
      return { do: what, which: random.below(3), name: random.among(["a", "b"]) }
    case "unpin":
      return { do: what, name: random.among(["a", "b"]) }
    case "damage history":
    case "damage pointer":
      return { do: what, how: random.among(smallDamages), ago: 1 + random.below(4), after: random.below(12) }
    case "damage state":
      return { do: what, how: random.among(stateDamages), which: random.below(4), after: random.below(12) }
    case "roll manifest back":
      return { do: what, which: random.below(3), ago: 1 + random.below(2), after: random.below(20) }
    case "expire":
      return {
        do: what,
        what: random.among(expiring),
        olderThanMs: random.among([10_000, 30_000, 50_000, 70_000]),
        after: random.below(12),
      }
    case "damage manifest":
      return { do: what, how: random.among(manifestDamages), which: random.below(4), after: random.below(6) }
    case "lose":
      return { do: what, part: random.among(lostParts), which: random.among([0, 0, 0, 1, 2]), after: random.below(12) }
    case "wait":
      return { do: what, ms: random.among([500, 5_000, 15_000, 7_200_000]) }
    case "jump":
      return { do: what, ms: random.among([-tenYears, -day, day, tenYears]) }
    default:
      return { do: what } as Action
  }
}

function saveOf(plan: Plan, random: Random): Action {
  const save = { do: "save", state: random.chance(0.5), ahead: random.chance(plan.ahead ?? 0.05) } as const
  if (!random.chance(plan.sources ?? 0)) return save
  return { do: "save", state: true, source: random.among(["slow", "slow", "failing"]) }
}
