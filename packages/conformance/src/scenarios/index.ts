import type { Scenario } from "../harness/scenario.js"
import { abortScenarios } from "./commit/aborts.js"
import { crashScenarios } from "./commit/crash-points.js"
import { crashStepScenarios } from "./commit/crash-steps.js"
import { lostAnswerScenarios } from "./commit/lost-answers.js"
import { lostChangeScenarios } from "./commit/lost-changes.js"
import { lostForGoodScenarios } from "./commit/lost-for-good.js"
import { raceScenarios } from "./commit/races.js"
import { retryScenarios } from "./commit/retries.js"
import { timeoutScenarios } from "./commit/timeouts.js"
import { unconfirmedScenarios } from "./commit/unconfirmed.js"
import { updateScenarios } from "./commit/updates.js"
import { claimCrashScenarios } from "./history/claim-crash-steps.js"
import { claimScenarios } from "./history/claims.js"
import { claimLostAnswerScenarios } from "./history/claims-lost-answers.js"
import { firstHistoryScenarios } from "./history/first-history.js"
import { flipScenarios } from "./history/flips.js"
import { floorScenarios } from "./history/floor.js"
import { lossScenarios } from "./history/losses.js"
import { neighbourScenarios } from "./history/neighbours.js"
import { otherHistoryScenarios } from "./history/other-history.js"
import { pinCrashScenarios } from "./history/pin-crash-steps.js"
import { pinScenarios } from "./history/pins.js"
import { rebuiltScenarios } from "./history/rebuilt.js"
import { waysOutScenarios } from "./history/ways-out.js"
import { zombieScenarios } from "./history/zombies.js"
import { copyScenarios } from "./programs/copy.js"
import { copyMendScenarios } from "./programs/copy-mend.js"
import { followScenarios } from "./programs/follow.js"
import { objectScenarios } from "./programs/objects.js"
import { programScenarios } from "./programs/programs.js"
import { sinkScenarios } from "./programs/sinks.js"
import { damageScenarios } from "./recovery/damage.js"
import { idScenarios } from "./recovery/ids.js"
import { listPageScenarios } from "./recovery/list-pages.js"
import { listingScenarios } from "./recovery/listings.js"
import { newestScenarios } from "./recovery/newest.js"
import { overtakenScenarios } from "./recovery/overtaken.js"
import { recoveryScenarios } from "./recovery/recover.js"
import { restoreScenarios } from "./recovery/restore.js"
import { differenceScenarios } from "./reference/differences/index.js"
import { backgroundScenarios } from "./retention/background.js"
import { removalCrashScenarios } from "./retention/crash-steps.js"
import { oneProcessScenarios } from "./retention/one-process.js"
import { orphanScenarios } from "./retention/orphans.js"
import { retentionScenarios } from "./retention/prune.js"
import { aheadScenarios } from "./state/ahead.js"
import { operatorScenarios } from "./state/operators.js"
import { readingScenarios } from "./state/reading.js"
import { streamScenarios } from "./state/writing.js"
import { checkScenarios } from "./store/check.js"
import { closingScenarios } from "./store/closing.js"
import { eventScenarios } from "./store/events.js"
import { inputScenarios } from "./store/input.js"
import { layoutScenarios } from "./store/layouts.js"
import { storeScenarios } from "./store/opening.js"

/** The scenarios by subject. */
export const scenarioGroups: Readonly<Record<string, readonly Scenario[]>> = {
  differences: differenceScenarios,
  races: raceScenarios,
  crashes: [...crashScenarios, ...crashStepScenarios, ...removalCrashScenarios],
  "lost answers": [...lostAnswerScenarios, ...lostForGoodScenarios, ...lostChangeScenarios, ...unconfirmedScenarios],
  "retries, time-outs, aborts": [...retryScenarios, ...timeoutScenarios, ...abortScenarios],
  recovery: [
    ...recoveryScenarios,
    ...listingScenarios,
    ...listPageScenarios,
    ...overtakenScenarios,
    ...newestScenarios,
    ...damageScenarios,
    ...idScenarios,
  ],
  retention: [...retentionScenarios, ...backgroundScenarios, ...floorScenarios, ...oneProcessScenarios],
  pins: [...pinScenarios, ...pinCrashScenarios],
  restore: restoreScenarios,
  orphans: orphanScenarios,
  streams: [...streamScenarios, ...aheadScenarios, ...readingScenarios, ...operatorScenarios],
  "the check before the first write": checkScenarios,
  input: [...inputScenarios, ...storeScenarios, ...layoutScenarios],
  closing: closingScenarios,
  events: eventScenarios,
  "a lost history": [
    ...lossScenarios,
    ...rebuiltScenarios,
    ...firstHistoryScenarios,
    ...otherHistoryScenarios,
    ...flipScenarios,
  ],
  neighbours: neighbourScenarios,
  "ways out": waysOutScenarios,
  updates: updateScenarios,
  programs: [...programScenarios, ...sinkScenarios],
  objects: objectScenarios,
  copying: [...copyScenarios, ...copyMendScenarios, ...followScenarios],
  claims: [...claimScenarios, ...zombieScenarios, ...claimCrashScenarios, ...claimLostAnswerScenarios],
}

/** All scenarios, for an adapter's own tests. */
export const allScenarios: readonly Scenario[] = Object.values(scenarioGroups).flat()
