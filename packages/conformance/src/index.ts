export type { BackendCase, CaseContext, CaseOptions, Need, StorageFactory } from "./case.js"
export { claimCases } from "./cases/claim.js"
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
export { allScenarios, scenarioGroups } from "./scenarios/all.js"
export { budgetScenarios } from "./scenarios/budgets.js"
export { checkFixture } from "./scenarios/fixtures-check.js"
export { type Fixture, readFixtures } from "./scenarios/fixtures-files.js"
export { checkWritten } from "./scenarios/fixtures-written.js"
export { referenceScenarios } from "./scenarios/reference-scenarios.js"
