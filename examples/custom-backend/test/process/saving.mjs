// Saves until it is killed, and says what it does. Argument: the path of the database.
import { writeSync } from "node:fs"
import { createManifest, openCheckpointStore } from "@ckpt/core"
import { lmdbBackend, openLmdb } from "@ckpt-examples/custom-backend"
import { stateOf } from "../state.mjs"

const store = await openCheckpointStore({ backend: lmdbBackend(openLmdb(process.argv[2] ?? "")) })
for (;;) {
  const id = await store.nextId()
  const say = (/** @type {string} */ what) => writeSync(1, `${what} ${id}\n`)
  say("saves")
  await store.save(createManifest({ checkpointId: id, epoch: 1 }), { state: () => stateOf(id, () => say("half of")) })
  say("saved")
}
