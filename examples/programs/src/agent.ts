// An agent that books flights, each from where the last one ended. It notes each decision before it acts.
//
//   node dist/agent.js <folder>

import { appendFile, readFile } from "node:fs/promises"
import { join } from "node:path"
import { json, openFsStore } from "@ckpt/fs"

/** A call of the tool. The key tells the tool that a call is the same one again. */
type Call = { readonly key: string; readonly from: string; readonly to: string }
type Answer = Call & { readonly booking: number }
type State = { readonly answers: readonly Answer[]; readonly next: Call | null }

const [folder = "."] = process.argv.slice(2)
const bookings = join(folder, "bookings.jsonl")
const table = await readFile(new URL("../data/flights-airport.csv", import.meta.resolve("vega-datasets")), "utf8")
const routes = table.split("\n").map((row) => row.split(","))

await using store = await openFsStore(join(folder, "store"), { claim: true, retain: { last: 5 } })
const { outcome, checkpoint } = await store.recover()
if (outcome === "exhausted") throw new Error("There are checkpoints, and none can be used. Do not begin anew.")
console.log(`recovered ${checkpoint?.id ?? "nothing"}`)
let state = (await checkpoint?.json<State>()) ?? (await decide([]))
while (state.next !== null) {
  // A crash may have come before this call, within it, or after it: it is made once more, with the same key.
  console.log(`call ${state.next.key}`)
  state = await decide([...state.answers, { ...state.next, booking: await book(state.next) }])
}
console.log(`visited ${state.answers.map(({ to }) => to).join(" ")}`)

/** The busiest route to an airport that was not visited, 25 times from Seattle on. Another agent would ask a model. */
async function decide(answers: readonly Answer[]): Promise<State> {
  const at = answers.at(-1)?.to ?? "SEA"
  const visited = ["SEA", ...answers.map(({ to }) => to)]
  const onward = routes.filter(([from, to = ""]) => from === at && !visited.includes(to))
  const to = onward.sort((one, other) => Number(other[2]) - Number(one[2]))[0]?.[1]
  const next = to === undefined || answers.length === 25 ? null : { key: `leg-${answers.length + 1}`, from: at, to }
  const labels = { next: next?.key ?? "nothing" }
  const { id } = await store.saveNext({ labels }, { state: json({ answers, next }) })
  console.log(`saved ${id} with ${answers.length} answers`)
  return { answers, next }
}

/** Stands for a service that books once for each key. The number of a booking is its line in a file. */
async function book(call: Call): Promise<number> {
  const lines = (await readFile(bookings, { encoding: "utf8", flag: "a+" })).split("\n")
  const before = lines.indexOf(JSON.stringify(call))
  if (before === -1) await appendFile(bookings, `${JSON.stringify(call)}\n`, { flush: true })
  return before === -1 ? lines.length : before + 1
}
