// The tables of docs/choosing.md: costs are made of the budgets that hold on the wire, latencies of the scenarios that count rounds.
import { budgetScenarios } from "@ckpt/conformance"
import { expect, test } from "vitest"
import { budgets, type Counts } from "./budgets.js"
import type { Cloud, RequestKind } from "./clouds/cloud.js"
import { assertDocumented, markdownTable } from "./faults/table.js"

type PriceClass = "write" | "read" | "free"

/** How a cloud bills a request. Azure bills a batch as an "other operation", which costs what a read costs, and the deletes in it not. */
const priceClass: Record<RequestKind, (cloud: Cloud["name"]) => PriceClass> = {
  put: () => "write",
  begin: () => "write",
  part: () => "write",
  completion: () => "write",
  list: () => "write",
  get: () => "read",
  head: () => "read",
  delete: (cloud) => (cloud === "azure" ? "read" : "free"),
  other: () => {
    throw new Error("not a request of a job's steady state")
  },
}

/** Dollars for a million requests. The page names them, as an assumption. */
const price: Record<PriceClass, number> = { write: 5, read: 0.4, free: 0 }

function billed(counts: Counts, cloud: Cloud["name"]): Record<PriceClass, number> {
  const sums = { write: 0, read: 0, free: 0 }
  for (const [kind, count] of Object.entries(counts) as [RequestKind, number][]) sums[priceClass[kind](cloud)] += count
  return sums
}

const millions = (count: number) => (count === 0 ? "0" : `${count} million`)
const names: Record<Cloud["name"], string> = { s3: "S3", azure: "Azure", gcs: "GCS" }

/** One row for the clouds on which an operation costs the same. */
function rowsOf(operation: string, budget: (typeof budgets)[keyof typeof budgets]): string[][] {
  const rows = new Map<string, Cloud["name"][]>()
  for (const cloud of Object.keys(names) as Cloud["name"][]) {
    const key = JSON.stringify(billed(budget[cloud], cloud))
    rows.set(key, [...(rows.get(key) ?? []), cloud])
  }
  return [...rows].map(([key, clouds]) => {
    const { write, read, free } = JSON.parse(key) as Record<PriceClass, number>
    const cost = write * price.write + read * price.read
    const where = clouds.length === 3 ? "each" : clouds.map((cloud) => names[cloud]).join(", ")
    return [operation, where, millions(write), millions(read), millions(free), `$${cost.toFixed(2)}`]
  })
}

test("the costs of docs/choosing.md are the budgets, by price class", async () => {
  const operations: [string, keyof typeof budgets][] = [
    ["saves, operators inline or no state", "save"],
    ["saves with a state of one request", "saveWithState"],
    ["saves with a state of 10 MiB", "saveOf10MiB"],
    ["runs of retention, each after a save", "retention"],
    ["sinks committed (`commitSink`, `update`)", "update"],
    ["recoveries with a state of one request", "recover"],
  ]
  const rows = operations.flatMap(([title, name]) => rowsOf(title, budgets[name]))
  const header = ["a million", "on", "writes and lists", "reads", "free", "example"]
  await assertDocumented("choosing.md", "costs", markdownTable(header, rows))
})

test("the latencies of docs/choosing.md are the rounds that scenarios count", async () => {
  const scenarios: [string, string][] = [
    ["save, operators inline or no state", "budget: save takes 2 rounds (manifest, then history and pointer)"],
    [
      "save with a state of one request",
      "budget: save with a state takes 3 rounds (state, manifest, then history and pointer)",
    ],
    ["recover", "budget: a deep recover past 0 invalid takes at most max(p, q) + 1 + j = 2 rounds"],
    [
      "recover past one damaged checkpoint",
      "budget: a deep recover past 1 invalid takes at most max(p, q) + 1 + j = 3 rounds",
    ],
    ["update, commitSink", "budget: update takes 4 rounds (manifest, history, swap, history)"],
    ["pin", "budget: pin takes 2 rounds (manifest, history), and unpin 1"],
  ]
  const rows = scenarios.map(([operation, name]) => {
    expect(budgetScenarios.map((scenario) => scenario.name)).toContain(name)
    return [operation, /(\d+) rounds/.exec(name)?.[1] ?? ""]
  })
  await assertDocumented(
    "choosing.md",
    "rounds",
    markdownTable(["operation", "round trips, one after the other"], rows),
  )
})
