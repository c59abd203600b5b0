export { type BackendCall, type CallInfo, type Interception, intercept, recordCalls } from "./faults.js"
export {
  describeScenarios,
  instantClock,
  runScenario,
  type Scenario,
  type ScenarioContext,
  type TestStorage,
} from "./scenario.js"
