import type { RetentionPolicy } from "@ckpt/core"
import { InvalidArgumentError } from "commander"

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** Milliseconds of `500ms`, `30s`, `5m`, `2h`, `7d`, `2w`. */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text) ?? []
  if (number !== undefined && unit !== undefined) return Number(number) * unitMs[unit as keyof typeof unitMs]
  throw new InvalidArgumentError("Give a number and a unit, such as 500ms, 30s, 5m, 2h or 7d.")
}

/** A {@link parseDuration} above 0, for what nobody can do without any time between. */
export function parseInterval(text: string): number {
  const ms = parseDuration(text)
  if (ms > 0) return ms
  throw new InvalidArgumentError("Give a time above 0, such as 30s.")
}

/** Refuses what is no whole number from 1. */
export function parseCount(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= 1) return count
  throw new InvalidArgumentError("Give a whole number from 1.")
}

/**
 * The values of an option that may be given more than once. Each takes one value: an option that took all that follow would take the
 * stores of a command as well.
 */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

/** The share of `20%`, from above 0 to 1. */
export function parseShare(text: string): number {
  const [, number] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? []
  const share = Number(number) / 100
  if (share > 0 && share <= 1) return share
  throw new InvalidArgumentError("Give a share such as 20%.")
}

const policyAdvice = "Give rules such as last=3, within=7d or every=100, with commas between them: last=3,within=7d."

/** The rules of `last=3,within=7d,every=100`. */
export function parsePolicy(text: string): RetentionPolicy {
  const policy: { last?: number; withinMs?: number; every?: number } = {}
  for (const rule of text.split(",")) {
    const [, name, value = ""] = /^(last|within|every)=(.+)$/.exec(rule.trim()) ?? []
    if (policy[(name === "within" ? "withinMs" : name) as keyof typeof policy] !== undefined)
      throw new InvalidArgumentError(`${name} stands there twice. Give each rule once, such as last=3,within=7d.`)
    const count = /^\d+$/.test(value) ? Number(value) : 0
    if (name === "within") policy.withinMs = parseDuration(value)
    else if (name !== undefined && Number.isSafeInteger(count) && count >= 1) policy[name as "last" | "every"] = count
    else throw new InvalidArgumentError(`${JSON.stringify(rule)} is no rule. ${policyAdvice}`)
  }
  return policy
}
