// npm start -w examples/failover [folder | bucket]: two coordinators, one of which stands still at the wrong moment.
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openBucket } from "./bucket.js"
import type { Place } from "./place.js"
import { play } from "./play.js"

const kinds = process.argv.length > 2 ? process.argv.slice(2) : ["folder", "bucket"]
for (const kind of kinds) {
  if (kind === "folder") {
    const path = await mkdtemp(join(tmpdir(), "ckpt-failover-"))
    try {
      await show({ kind, path, silentAfterMs: 2_000 })
    } finally {
      await rm(path, { recursive: true })
    }
  } else if (kind === "bucket") {
    await using bucket = await openBucket()
    await show(bucket.place)
  } else throw new Error(`${kind} is no kind of store here: say folder, bucket, or nothing for both`)
}

async function show(place: Place): Promise<void> {
  console.log(place.kind === "folder" ? `a folder: ${place.path}` : `a bucket: ${place.bucket} at ${place.endpoint}`)
  const { history } = await play(place, (line) => console.log(`  ${line}`))
  console.log(`  history: ${history}\n`)
}
