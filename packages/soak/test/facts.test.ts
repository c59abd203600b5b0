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

const fine = ["w: tries a 5", "w: acknowledged 1 a 10", "r: asks 20", "r: recovered 1 a"]

test("what goes well is no violation", () => expect(violationsOf(...fine)).toEqual([]))

describe("lines that are heard in another order than they were said are no violation", () => {
  test("an acknowledgement that came after the question", () => {
    const lines = ["w: tries b 5", "w: acknowledged 2 b 40", "r: asks 30", "r: recovered 1 a"]
    expect(violationsOf(...fine, ...lines)).toEqual([])
  })

  test("a save that is found before it is heard of", () => {
    expect(violationsOf("r: asks 5", "r: recovered 1 a", "w: tries a 5", "w: acknowledged 1 a 10")).toEqual([])
  })
})

test("a save that began before a newer claim was given, and is acknowledged after it, is no violation", () => {
  const lines = ["w: claimed 1 21", "w: tries b 22", "v: claimed 2 30", "w: acknowledged 2 b 40"]
  expect(violationsOf(...fine, ...lines)).toEqual([])
})

test.each([
  [
    "a superseded leader saves, and its line is heard before that of its successor",
    ["w: claimed 1 21", "w: tries b 32", "w: acknowledged 2 b 40", "v: claimed 2 30"],
  ],
  ["an older one is recovered", ["w: tries b 5", "w: acknowledged 2 b 25", "r: asks 30", "r: recovered 1 a"]],
  [
    "an id was overwritten before it was acknowledged",
    ["w: tries b 5", "v: tries c 5", "r: asks 30", "r: recovered 2 b", "v: acknowledged 2 c 40"],
  ],
  [
    "an id has two contents, none of them acknowledged",
    ["w: tries b 5", "v: tries c 5", "r: asks 30", "r: recovered 2 b", "r: asks 50", "r: recovered 2 c"],
  ],
  ["an id is acknowledged twice", ["w: tries b 5", "v: tries c 5", "w: acknowledged 2 b 30", "v: acknowledged 2 c 40"]],
  ["nobody saved what is found", ["r: asks 30", "r: recovered 2 x"]],
])("%s: one violation", (_, lines) => expect(violationsOf(...fine, ...lines)).toHaveLength(1))

test.each([
  ["saves nothing", ["r: asks 20", "r: recovered 0 fresh"]],
  ["recovers nothing", fine.slice(0, 2)],
])("a soak that %s shows nothing", (_, lines) => expect(violationsOf(...lines)).toHaveLength(1))
