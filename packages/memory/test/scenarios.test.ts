import {
  abortScenarios,
  aheadScenarios,
  backgroundScenarios,
  crashScenarios,
  damageScenarios,
  describeScenarios,
  differenceScenarios,
  eventScenarios,
  floorScenarios,
  idScenarios,
  inputScenarios,
  listingScenarios,
  lostAnswerScenarios,
  lostChangeScenarios,
  lostForGoodScenarios,
  operatorScenarios,
  orphanScenarios,
  raceScenarios,
  readingScenarios,
  recoveryScenarios,
  retentionScenarios,
  retryScenarios,
  storeScenarios,
  streamScenarios,
  timeoutScenarios,
} from "@ckpt/conformance"
import { describe, test } from "vitest"
import { memoryStorage } from "./storage.js"

const groups = {
  differences: differenceScenarios,
  races: raceScenarios,
  crashes: crashScenarios,
  "lost answers": [...lostAnswerScenarios, ...lostForGoodScenarios, ...lostChangeScenarios],
  "retries, time-outs, aborts": [...retryScenarios, ...timeoutScenarios, ...abortScenarios],
  recovery: [...recoveryScenarios, ...listingScenarios, ...damageScenarios, ...idScenarios],
  retention: [...retentionScenarios, ...backgroundScenarios, ...floorScenarios],
  orphans: orphanScenarios,
  streams: [...streamScenarios, ...aheadScenarios, ...readingScenarios, ...operatorScenarios],
  input: [...inputScenarios, ...storeScenarios],
  events: eventScenarios,
}

for (const [name, scenarios] of Object.entries(groups)) {
  describe(name, () => {
    describeScenarios({ test, storage: memoryStorage, scenarios })
  })
}
