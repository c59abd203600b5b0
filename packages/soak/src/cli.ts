import { parseArgs } from "node:util"
import { type StorageName, storageNames } from "./place.js"
import { type SoakReport, soak } from "./soak.js"

const help = `npm run soak -- [options]

Eight processes on one store, killed and stopped at random, while a tenth of all requests is broken on the way.

  --storage fs,s3     some of fs, s3, azure, gcs; default all of them, one after the other
  --seconds 600       of each storage, half of it plain and half with claims; default 600. Each half lasts until ten saves are acknowledged
  --processes 8       at once
  --seed 1            of the faults and kills; default: one of its own, which is printed
`

const { values } = parseArgs({
  options: {
    storage: { type: "string", default: storageNames.join(",") },
    seconds: { type: "string", default: "600" },
    processes: { type: "string", default: "8" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    help: { type: "boolean", default: false },
  },
})

function numberOf(name: "seconds" | "processes" | "seed", least: number): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= least) return value
  throw new Error(`--${name} is ${values[name]}; give a whole number from ${least}`)
}

function told(storage: StorageName, claimed: boolean, report: SoakReport): string {
  const { acknowledged, recoveries, kills, stops, broken, requests, left, failures, uses } = report
  const codes = [...failures].map(([code, count]) => `${code} ${count}`).join(", ")
  return [
    `${storage}, ${claimed ? "claimed" : "plain"}: ${acknowledged} acknowledged, ${recoveries} recoveries, ${kills} kills, ${stops} stops`,
    `  ${broken} of ${requests} requests broken; calls that failed: ${codes || "none"}`,
    `  left: ${left.checkpoints} checkpoints, the latest ${left.latest}; the reader: ${uses.at(-1)?.mebibytes} MiB, ${uses.at(-1)?.handles} handles`,
    ...report.violations.map((violation) => `  VIOLATION: ${violation}`),
  ].join("\n")
}

if (values.help) process.stdout.write(help)
else {
  const chosen = values.storage.split(",")
  const storages = storageNames.filter((name) => chosen.includes(name))
  const unknown = chosen.find((name) => !storageNames.some((known) => known === name))
  if (unknown !== undefined) throw new Error(`--storage has ${unknown}; there are ${storageNames.join(", ")}`)
  const seconds = numberOf("seconds", 2)
  const processes = numberOf("processes", 2)
  const seed = numberOf("seed", 0)
  process.stdout.write(`seed ${seed}\n`)
  for (const storage of storages) {
    for (const claimed of [false, true]) {
      const report = await soak({ storage, claimed, processes, seconds: seconds / 2, acknowledged: 10, seed })
      process.stdout.write(`${told(storage, claimed, report)}\n`)
      if (report.violations.length > 0) process.exitCode = 1
    }
  }
  // Node 20 may spin for ever as it closes the pipes of processes that were killed, long after all work has ended.
  process.exit()
}
