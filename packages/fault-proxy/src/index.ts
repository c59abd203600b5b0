export type { BufferedAnswer, Fault, Rule } from "./fault.js"
export { createGate, type Gate } from "./gate.js"
export { type FaultProxy, startFaultProxy } from "./proxy.js"
export type { ProxiedRequest } from "./request.js"
