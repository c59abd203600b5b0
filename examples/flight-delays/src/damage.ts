// Damages the latest checkpoint while no worker runs, as a bad disk or a careless hand would. It works on the files and
// not through the store, since the store is under test.

import { readdir, readFile, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { between, type Random } from "./random.js"

export type DamagedFile = "state.bin" | "manifest.json"

export interface Damage {
  readonly id: number
  readonly file: DamagedFile
  readonly what: string
}

/** Ids of the checkpoints in a store's folder, latest first. */
export async function checkpointsOnDisk(store: string): Promise<{ id: number; folder: string }[]> {
  const folder = join(store, "checkpoints")
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return []
    throw error
  })
  const ids = names.flatMap((name) => {
    const digits = /^checkpoint_(\d+)$/.exec(name)?.[1]
    return digits === undefined ? [] : [{ id: Number(digits), folder: join(folder, name) }]
  })
  return ids.sort((a, b) => b.id - a.id)
}

/** Damages one file of the latest checkpoint. */
export async function damageLatest(store: string, file: DamagedFile, random: Random): Promise<Damage> {
  const [latest] = await checkpointsOnDisk(store)
  if (latest === undefined) throw new Error(`no checkpoint to damage in ${store}`)
  const path = join(latest.folder, file)
  const bytes = await readFile(path)
  if (file === "manifest.json" && random() < 0.5) {
    const kept = between(random, 0, bytes.length - 1)
    await truncate(path, kept)
    return { id: latest.id, file, what: `cut to ${kept} of ${bytes.length} bytes` }
  }
  const position = between(random, 0, bytes.length - 1)
  const bit = between(random, 0, 7)
  bytes.writeUInt8(bytes.readUInt8(position) ^ (1 << bit), position)
  await writeFile(path, bytes)
  return { id: latest.id, file, what: `bit ${bit} of byte ${position} flipped` }
}
