// Does nothing, and reports how late its timers were: the machine delays every process by this much.
import { monitorEventLoopDelay } from "node:perf_hooks"

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
process.once("message", () => {
  delay.disable()
  process.send?.({ p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 }, () => process.exit())
})
process.once("disconnect", () => process.exit())
