import { describe, expect, test } from "vitest"
import { Facts } from "../src/facts.js"

/** Hears lines, each "process: words", and judges. */
function violationsOf(...lines: readonly string[]): readonly string[] {
  const facts = new Facts()
  for (const line of lines) {
    const [who = "", words = ""] = line.split(": ")
    facts.hear(who, words)
  }
  facts.judge()
  return facts.violations
}

const fine = ["w: tries a", "w: acknowledged 1 a 10", "r: asks 20", "r: recovered 1 a"]

test("what goes well is no violation", () => expect(violationsOf(...fine)).toEqual([]))

describe("lines that are heard in another order than they were said are no violation", () => {
  test("an acknowledgement that came after the question", () => {
    const lines = ["w: tries b", "w: acknowledged 2 b 40", "r: asks 30", "r: recovered 1 a"]
    expect(violationsOf(...fine, ...lines)).toEqual([])
  })

  test("a save that is found before it is heard of", () => {
    expect(violationsOf("r: asks 5", "r: recovered 1 a", "w: tries a", "w: acknowledged 1 a 10")).toEqual([])
  })
})

test.each([
  ["an older one is recovered", ["w: tries b", "w: acknowledged 2 b 25", "r: asks 30", "r: recovered 1 a"]],
  [
    "an id was overwritten before it was acknowledged",
    ["w: tries b", "v: tries c", "r: asks 30", "r: recovered 2 b", "v: acknowledged 2 c 40"],
  ],
  [
    "an id has two contents, none of them acknowledged",
    ["w: tries b", "v: tries c", "r: asks 30", "r: recovered 2 b", "r: asks 50", "r: recovered 2 c"],
  ],
  ["an id is acknowledged twice", ["w: tries b", "v: tries c", "w: acknowledged 2 b 30", "v: acknowledged 2 c 40"]],
  ["nobody saved what is found", ["r: asks 30", "r: recovered 2 x"]],
])("%s: one violation", (_, lines) => expect(violationsOf(...fine, ...lines)).toHaveLength(1))

test.each([
  ["saves nothing", ["r: asks 20", "r: recovered 0 fresh"]],
  ["recovers nothing", fine.slice(0, 2)],
])("a soak that %s shows nothing", (_, lines) => expect(violationsOf(...lines)).toHaveLength(1))
