// Saves until its file cannot grow, makes room, and saves again. Argument: the path of the database.

import { createManifest, openCheckpointStore } from "@ckpt/core"
import { lmdbBackend, openLmdb } from "@ckpt-examples/custom-backend"

const file = openLmdb(process.argv[2] ?? "")
const store = await openCheckpointStore({ backend: lmdbBackend(file) })
/**
 * @param {number} id
 * @param {number} bytes
 */
const save = (id, bytes) => store.save(createManifest({ checkpointId: id, epoch: 1 }), { state: new Uint8Array(bytes) })
let last = 0
let code
while (code === undefined) {
  try {
    await save(last + 1, 300_000)
    last++
  } catch (error) {
    code = /** @type {import("@ckpt/core").CheckpointError} */ (error).code
  }
}
const found = await store.recover({ depth: "deep" })
await store.remove(1)
await save(last + 2, 10_000)
process.send?.({ code, last, recovered: found.checkpoint?.id })
await store.close()
await file.env.close()
process.disconnect()
