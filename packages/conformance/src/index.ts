export { claimCases } from "./cases/claim.js"
export { backendCases } from "./cases/index.js"
export { type CheckOptions, checkBackend, type DescribeOptions, describeBackend } from "./describe-backend.js"
export type { BackendCase, CaseContext, CaseOptions, Need } from "./harness/case.js"
export { instantClock, LeapingClock, ManualClock } from "./harness/clocks.js"
export {
  ambiguous,
  type BackendCall,
  type CallInfo,
  calls,
  type Fault,
  type Interception,
  intercept,
  permanent,
  recordCalls,
  transient,
  withCommit,
  withFaults,
  withoutCommit,
} from "./harness/faults.js"
export { type CaseResult, formatReport } from "./harness/report.js"
export {
  describeScenarios,
  runScenario,
  type Scenario,
  type ScenarioContext,
  type ScenarioKeys,
  type ScenariosOptions,
  type Through,
} from "./harness/scenario.js"
export type { StorageFactory, TestStorage } from "./harness/storage.js"
export { gate, settled, until } from "./harness/waiting.js"
export { everyFlipScenarios } from "./scenarios/history/flips.js"
export { allScenarios, scenarioGroups } from "./scenarios/index.js"
export { checkFixture } from "./scenarios/reference/fixtures/check.js"
export { type Fixture, readFixtures } from "./scenarios/reference/fixtures/files.js"
export { checkWritten } from "./scenarios/reference/fixtures/written.js"
export { referenceScenarios } from "./scenarios/reference/index.js"
export { budgetScenarios } from "./scenarios/store/budgets.js"
