import type { Fault, ProxiedRequest, Rule } from "./fault.js"

interface Armed {
  readonly rule: Rule
  skipsLeft: number
  timesLeft: number
}

/** The rules in force, in the order in which they were given. */
export class Rules {
  #armed: Armed[] = []

  add(rules: readonly Rule[]): void {
    for (const rule of rules) {
      this.#armed.push({ rule, skipsLeft: rule.skip ?? 0, timesLeft: rule.times ?? Number.POSITIVE_INFINITY })
    }
  }

  clear(): void {
    this.#armed = []
  }

  choose(request: ProxiedRequest): Fault | undefined {
    for (const armed of this.#armed) {
      if (armed.timesLeft <= 0 || !armed.rule.when(request)) continue
      if (armed.skipsLeft > 0) {
        armed.skipsLeft--
        continue
      }
      const fault = typeof armed.rule.fault === "function" ? armed.rule.fault(request) : armed.rule.fault
      if (fault === undefined) continue
      armed.timesLeft--
      return fault
    }
    return undefined
  }
}
