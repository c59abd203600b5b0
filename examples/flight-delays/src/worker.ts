// The job: flights in, delays by distance band and window out, a checkpoint after every epoch of 3,000 flights.
// It may be killed at any moment and started again; it goes on where its latest intact checkpoint says.
//
//   node dist/worker.js <folder> [epochs] [keep]

import { join } from "node:path"
import { createManifest, openFsStore } from "@ckpt/fs"
import { DelayWindows } from "./delay-windows.js"
import { EpochFiles } from "./epoch-files.js"
import { FlightFile } from "./flights.js"
import { report } from "./progress.js"

const EPOCH_FLIGHTS = 3000

const [folder, epochs = "all", keep = "5"] = process.argv.slice(2)
if (folder === undefined) throw new Error("usage: node dist/worker.js <folder> [epochs] [keep]")
const lastEpoch = epochs === "all" ? Number.POSITIVE_INFINITY : Number(epochs)

await using source = await FlightFile.open()
const sink = await EpochFiles.open(join(folder, "output"))
await using store = await openFsStore(join(folder, "store"), { retain: { last: Number(keep) } })

// 1. Find the latest checkpoint that is intact. Damaged ones are passed over and reported.
const found = await store.recover()
if (found.outcome === "exhausted") {
  // There are checkpoints, and none can be trusted. To start over would publish all output again.
  throw new Error(`none of ${found.skipped.length} checkpoints verifies: ${JSON.stringify(found.skipped)}`)
}

// 2. Take up its state: the position of the source, the operators, and the epoch that the sink still owes.
let windows = new DelayWindows()
let position = FlightFile.start
let epoch = 0
let sinkWasPending = false
if (found.checkpoint !== undefined) {
  const { id, manifest } = found.checkpoint
  const day = await found.checkpoint.operator("day")
  const panes = await found.checkpoint.operator("panes")
  const next = manifest.sourceOffsets["flights"]?.offsets["0"]
  if (day === undefined || panes === undefined || next === undefined) {
    throw new Error(`checkpoint ${id} is of another job: it has no offset or operators of this one`)
  }
  windows = DelayWindows.restore(day, panes)
  position = Number(next)
  epoch = manifest.epoch
  // A crash between the save and the update below: the checkpoint is safe, its output may or may not be visible yet.
  sinkWasPending = manifest.sinkCommitStatuses["windows"]?.status === "pending"
  if (sinkWasPending) {
    await sink.publish(epoch)
    await store.update(id, (current) => ({
      ...current,
      sinkCommitStatuses: { ...current.sinkCommitStatuses, windows: { status: "committed" } },
    }))
  }
}
// Remove the remains of a killed save. This job has one writer, so even young remains cannot be a save under way.
await store.collectOrphans({ olderThanMs: 0 })
report({
  event: "recovered",
  id: found.checkpoint?.id,
  epoch,
  sinkWasPending,
  skipped: found.skipped.map(({ id, key, issues }) => ({
    name: id === undefined ? key : String(id),
    issues: issues.filter((issue) => issue.severity === "fatal"),
  })),
})

// 3. The job. Ids are not epochs: an id that a damaged or unfinished checkpoint has used up is never used again.
let id = found.nextId
while (epoch < lastEpoch) {
  const batch = await source.read(position, EPOCH_FLIGHTS)
  if (batch.flights.length === 0) break
  epoch++
  position = batch.next
  const lines: string[] = []
  for (const flight of batch.flights) {
    lines.push(...windows.advanceTo(flight.minute))
    windows.add(flight)
  }
  if (batch.end || epoch === lastEpoch) lines.push(...windows.finish())

  // First the output goes where nobody reads it, then the checkpoint says that it is owed, ...
  await sink.stage(epoch, lines)
  report({ event: "staged", id, epoch })
  await store.save(
    createManifest({
      checkpointId: id,
      epoch,
      sourceNames: ["flights"],
      sourceOffsets: { flights: { epoch, offsets: { "0": String(position) } } },
      watermark: BigInt(windows.watermark),
      sinkNames: ["windows"],
      sinkEpochs: { windows: epoch },
      sinkCommitStatuses: { windows: { status: "pending" } },
    }),
    // `day` is small and goes into the manifest; `panes` is over 64 KiB and goes into state.bin.
    { operators: { day: windows.day, panes: windows.panes } },
  )
  report({ event: "saved", id, epoch })
  // ... and only then the output becomes visible. From the save on, a crash cannot take it back.
  await sink.publish(epoch)
  report({ event: "published", id, epoch })
  await store.update(id, (current) => ({
    ...current,
    sinkCommitStatuses: { ...current.sinkCommitStatuses, windows: { status: "committed" } },
  }))
  report({ event: "committed", id, epoch })
  id++
}
report({ event: "finished", epoch })
