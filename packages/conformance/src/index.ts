export type { BackendCase, CaseContext, CaseOptions, Need, StorageFactory } from "./case.js"
export { backendCases } from "./cases/index.js"
export { gate, LeapingClock, ManualClock, settled, until } from "./clocks.js"
export { type CheckOptions, checkBackend, type DescribeOptions, describeBackend } from "./describe-backend.js"
export {
  ambiguous,
  type BackendCall,
  type CallInfo,
  calls,
  crashing,
  type Fault,
  type Interception,
  intercept,
  permanent,
  recordCalls,
  transient,
  withCommit,
  withFaults,
  withoutCommit,
} from "./faults.js"
export { type CaseResult, formatReport } from "./report.js"
export {
  describeScenarios,
  instantClock,
  runScenario,
  type Scenario,
  type ScenarioContext,
  type TestStorage,
} from "./scenario.js"
export { budgetScenarios } from "./scenarios/budgets.js"
export { differenceScenarios } from "./scenarios/differences.js"
export { eventScenarios } from "./scenarios/events.js"
export { checkFixture } from "./scenarios/fixtures-check.js"
export { type Fixture, readFixtures } from "./scenarios/fixtures-files.js"
export { checkWritten } from "./scenarios/fixtures-written.js"
export { inputScenarios } from "./scenarios/input.js"
export { storeScenarios } from "./scenarios/input-stores.js"
export { lostAnswerScenarios } from "./scenarios/lost-answers.js"
export { abortScenarios } from "./scenarios/lost-answers-aborts.js"
export { lostChangeScenarios } from "./scenarios/lost-answers-changes.js"
export { lostForGoodScenarios } from "./scenarios/lost-answers-never.js"
export { retryScenarios } from "./scenarios/lost-answers-retry.js"
export { timeoutScenarios } from "./scenarios/lost-answers-timeouts.js"
export { orphanScenarios } from "./scenarios/orphans.js"
export { raceScenarios } from "./scenarios/races.js"
export { crashScenarios } from "./scenarios/races-crash-points.js"
export { recoveryScenarios } from "./scenarios/recovery.js"
export { damageScenarios } from "./scenarios/recovery-damage.js"
export { idScenarios } from "./scenarios/recovery-ids.js"
export { listingScenarios } from "./scenarios/recovery-listings.js"
export { referenceScenarios } from "./scenarios/reference-scenarios.js"
export { retentionScenarios } from "./scenarios/retention.js"
export { backgroundScenarios } from "./scenarios/retention-background.js"
export { floorScenarios } from "./scenarios/retention-floor.js"
export { streamScenarios } from "./scenarios/streams.js"
export { aheadScenarios } from "./scenarios/streams-ahead.js"
export { operatorScenarios } from "./scenarios/streams-operators.js"
export { readingScenarios } from "./scenarios/streams-reading.js"
