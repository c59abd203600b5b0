import type { Scenario } from "../scenario.js"
import { claimScenarios } from "./claims.js"
import { trimmedClaimScenarios } from "./claims-trimmed.js"
import { differenceScenarios } from "./differences.js"
import { eventScenarios } from "./events.js"
import { inputScenarios } from "./input.js"
import { storeScenarios } from "./input-stores.js"
import { lostAnswerScenarios } from "./lost-answers.js"
import { abortScenarios } from "./lost-answers-aborts.js"
import { lostChangeScenarios } from "./lost-answers-changes.js"
import { lostForGoodScenarios } from "./lost-answers-never.js"
import { retryScenarios } from "./lost-answers-retry.js"
import { timeoutScenarios } from "./lost-answers-timeouts.js"
import { orphanScenarios } from "./orphans.js"
import { pinScenarios } from "./pins.js"
import { raceScenarios } from "./races.js"
import { crashScenarios } from "./races-crash-points.js"
import { recoveryScenarios } from "./recovery.js"
import { damageScenarios } from "./recovery-damage.js"
import { idScenarios } from "./recovery-ids.js"
import { listingScenarios } from "./recovery-listings.js"
import { restoreScenarios } from "./restore.js"
import { retentionScenarios } from "./retention.js"
import { backgroundScenarios } from "./retention-background.js"
import { floorScenarios } from "./retention-floor.js"
import { streamScenarios } from "./streams.js"
import { aheadScenarios } from "./streams-ahead.js"
import { operatorScenarios } from "./streams-operators.js"
import { readingScenarios } from "./streams-reading.js"
import { updateScenarios } from "./updates.js"

/** Whole-store behaviours by what they are about. */
export const scenarioGroups: Readonly<Record<string, readonly Scenario[]>> = {
  differences: differenceScenarios,
  races: raceScenarios,
  crashes: crashScenarios,
  "lost answers": [...lostAnswerScenarios, ...lostForGoodScenarios, ...lostChangeScenarios],
  "retries, time-outs, aborts": [...retryScenarios, ...timeoutScenarios, ...abortScenarios],
  recovery: [...recoveryScenarios, ...listingScenarios, ...damageScenarios, ...idScenarios],
  retention: [...retentionScenarios, ...backgroundScenarios, ...floorScenarios],
  pins: pinScenarios,
  restore: restoreScenarios,
  orphans: orphanScenarios,
  streams: [...streamScenarios, ...aheadScenarios, ...readingScenarios, ...operatorScenarios],
  input: [...inputScenarios, ...storeScenarios],
  events: eventScenarios,
  updates: updateScenarios,
  claims: [...claimScenarios, ...trimmedClaimScenarios],
}

/** All of them, for an adapter's own tests. */
export const allScenarios: readonly Scenario[] = Object.values(scenarioGroups).flat()
