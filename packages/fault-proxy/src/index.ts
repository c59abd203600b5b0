export type { BufferedAnswer, Fault, Gate, ProxiedRequest, Rule } from "./fault.js"
export { createGate } from "./gate.js"
export { type FaultProxy, startFaultProxy } from "./proxy.js"
