import { join } from "node:path"
import { bytesText, MiB } from "../lib/content.mjs"
import { forget } from "../lib/disk.mjs"
import { race } from "../lib/race.mjs"
import { peers } from "./all.mjs"
import { hashAlone, readThenHash } from "./alone.mjs"
import { ckpt, port, stateFor } from "./contender.mjs"

/** @param {string} folder */
const statePath = (folder) => join(folder, "checkpoints", "checkpoint_000001", "state.bin")

/**
 * The latest checkpoint found and verified to its last byte, from a cold and from a warm page cache.
 *
 * @param {{ size: number, rounds: number, budgetMs: number, cold: boolean }} what
 * @param {import("../lib/disk.mjs").Workplace} workplace
 */
export async function recoverRace({ size, rounds, budgetMs, cold }, workplace) {
  const opened = []
  /** @type {import("../lib/interleave.mjs").Subject[]} */
  const subjects = []
  for (const contender of [ckpt, port]) {
    const folder = await workplace.fresh()
    const session = await contender.open(folder)
    await session.save(1, stateFor(contender, size))
    opened.push({ session, folder })
    subjects.push({
      name: contender.name,
      note: contender === ckpt ? "recover(), deep" : "reads the state, then hashes it",
      before: async () => cold && size > 0 && forget(statePath(folder)),
      run: async () => session.recover?.(),
    })
  }
  await workplace.settle()
  if (size > 0) {
    const path = statePath(opened[0].folder)
    subjects.push(
      readThenHash(path, async () => cold && forget(path)),
      hashAlone(size),
    )
  }
  const title = `fs: recover (deep), ${bytesText(size)}${size > 0 ? (cold ? ", cold page cache" : ", warm page cache") : ""}`
  const result = await race(
    { id: `fs-recover-${size}${cold ? "-cold" : ""}`, title, bytes: size, subjects },
    { rounds, budgetMs, warmup: size >= 64 * MiB ? 1 : 5 },
  )
  for (const { session } of opened) await session.close()
  return result
}

/**
 * Manifest and state of a known checkpoint, with a warm page cache.
 *
 * @param {{ size: number, rounds: number, budgetMs: number, versions: Record<string, string> }} what
 * @param {import("../lib/disk.mjs").Workplace} workplace
 */
export async function loadRace({ size, rounds, budgetMs, versions }, workplace) {
  const sessions = []
  const subjects = []
  for (const contender of [ckpt, port, ...peers]) {
    if (contender.maxBytes < size || versions[contender.package] === undefined) continue
    const session = await contender.open(await workplace.fresh())
    sessions.push(session)
    await session.save(1, stateFor(contender, size))
    const note = contender === ckpt ? "streamed, and verified by its checksum" : "in memory, not verified"
    subjects.push({ name: contender.name, note, run: () => session.load(1, size > 0) })
  }
  const result = await race(
    { id: `fs-load-${size}`, title: `fs: load, ${bytesText(size)}, warm page cache`, bytes: size, subjects },
    { rounds, budgetMs, warmup: size >= 64 * MiB ? 1 : 5 },
  )
  for (const session of sessions) await session.close()
  return result
}
