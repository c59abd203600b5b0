// A database of its own for each case, scenario or test.
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { lmdbBackend, openLmdb } from "@ckpt-examples/custom-backend"

// In memory where the system has such a place: no test here cuts the power, and the syncs of a disk would take most of the time.
const place = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

export function temporaryFolder() {
  const folder = mkdtempSync(join(place, "ckpt-lmdb-"))
  return { folder, path: join(folder, "checkpoints.mdb"), remove: () => rmSync(folder, { recursive: true }) }
}

export function storage() {
  const { path, remove } = temporaryFolder()
  const file = openLmdb(path)
  return {
    open: () => lmdbBackend(file),
    async dispose() {
      await file.env.close()
      remove()
    },
  }
}
