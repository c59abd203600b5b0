// Reads real flights, keeps a window of 5 MB over them, and publishes each report on it exactly once.
//
//   node dist/consumer.js <folder>

import { mkdir, open, readFile, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { json, openFsStore } from "@ckpt/fs"

const [folder = "."] = process.argv.slice(2)
const output = join(folder, "output")
await mkdir(output, { recursive: true })
const input = new URL("../data/flights-200k.json", import.meta.resolve("vega-datasets"))
const flights: { time: number; delay: number }[] = JSON.parse(await readFile(input, "utf8"))

await using store = await openFsStore(join(folder, "store"), { claim: true, retain: { last: 3 } })
const { outcome, checkpoint } = await store.recover()
if (outcome === "exhausted") throw new Error("There are checkpoints, and none can be used. Do not begin anew.")
console.log(`recovered ${checkpoint?.id ?? "nothing"}`)
let job = { position: 0, minute: 0, report: "" }
// How many flights: for each of the last 720 minutes, and each delay from -120 to 1,699 minutes.
let window = new Uint32Array(720 * 1_820)
if (checkpoint !== undefined) {
  job = await checkpoint.json("job")
  window = new Uint32Array((await checkpoint.operator("window")).buffer)
  // A crash came between the save and commitSink: the report is safe in the checkpoint, and may be out or not.
  if (checkpoint.manifest.sinkCommitStatuses["reports"]?.status === "pending") await publish(checkpoint.id)
}

while (job.position < flights.length) {
  let { position, minute } = job
  for (const { time, delay } of flights.slice(position, position + 20_000)) {
    for (; minute < Math.round(time * 60); minute++) window.fill(0, cell(minute + 1, -120), cell(minute + 1, 1_700))
    const at = cell(minute, delay)
    window[at] = (window[at] ?? 0) + 1
  }
  position += 20_000
  const seen = window.reduce((sum, count) => sum + count)
  const late = window.reduce((sum, count, at) => (at % 1_820 < 135 ? sum : sum + count), 0)
  job = { position, minute, report: `${JSON.stringify({ position, minute, seen, late })}\n` }
  const manifest = { sinkCommitStatuses: { reports: { status: "pending" } } } as const
  const { id } = await store.saveNext(manifest, { operators: { window, job: json(job) } })
  console.log(`saved ${id}`)
  await publish(id)
}

function cell(minute: number, delay: number): number {
  return (minute % 720) * 1_820 + delay + 120
}

/** May be done again: the name comes from the position, and the same position always gives the same report. */
async function publish(id: number): Promise<void> {
  const file = join(output, `${String(job.position).padStart(6, "0")}.json`)
  await writeFile(`${file}.tmp`, job.report, { flush: true })
  await rename(`${file}.tmp`, file)
  await using names = await open(output)
  await names.sync()
  await store.commitSink(id, "reports")
  console.log(`published ${id}`)
}
