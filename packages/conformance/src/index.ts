export {
  ambiguous,
  type BackendCall,
  type CallInfo,
  calls,
  crashing,
  type Fault,
  gate,
  type Interception,
  intercept,
  LeapingClock,
  ManualClock,
  permanent,
  recordCalls,
  settled,
  transient,
  until,
  withCommit,
  withFaults,
  withoutCommit,
} from "./faults.js"
export {
  describeScenarios,
  instantClock,
  runScenario,
  type Scenario,
  type ScenarioContext,
  type TestStorage,
} from "./scenario.js"
export { differenceScenarios } from "./scenarios/differences.js"
export { checkFixture } from "./scenarios/fixtures-check.js"
export { type Fixture, readFixtures } from "./scenarios/fixtures-files.js"
export { checkWritten } from "./scenarios/fixtures-written.js"
export { lostAnswerScenarios } from "./scenarios/lost-answers.js"
export { lostChangeScenarios } from "./scenarios/lost-answers-changes.js"
export { raceScenarios } from "./scenarios/races.js"
export { crashScenarios } from "./scenarios/races-crash-points.js"
export { referenceScenarios } from "./scenarios/reference-scenarios.js"
