import { mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"

/** A folder for one test, gone at its end. Its path has no link in it. */
export async function temporaryFolder(place = tmpdir()): Promise<string> {
  const path = await realpath(await mkdtemp(join(place, "ckpt-fs-")))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}
