import { bytesText, KiB, MiB } from "../lib/content.mjs"
import { race } from "../lib/race.mjs"
import { hashAlone, writeAndSyncAlone } from "./alone.mjs"
import { ckpt, ckptOnLmdb, ckptSmallChunks, port, portSmallChunks, stateFor } from "./contender.mjs"

/** @typedef {import("./contender.mjs").Contender} Contender */

/**
 * @typedef {object} SaveRace
 * @property {number} size bytes of state; 0 is a manifest alone
 * @property {number} rounds
 * @property {number} budgetMs
 * @property {Record<string, string>} syncs
 */

/**
 * Saves of one size, in this store and in the sequence that it replaces, beside the lower bounds of every save.
 *
 * @param {SaveRace} what
 * @param {import("../lib/disk.mjs").Workplace} workplace
 */
export async function saveRace(what, workplace) {
  const { size } = what
  const contenders = [ckpt, port]
  if (size === 4 * KiB) contenders.push(ckptOnLmdb)
  if (size >= 64 * MiB) contenders.push(ckptSmallChunks)
  if (size === 64 * MiB) contenders.push(portSmallChunks)
  const alone =
    size < MiB ? [] : [hashAlone(size), writeAndSyncAlone(size, await workplace.fresh(), settling(size, workplace))]
  const title = `fs: save, ${bytesText(size)}`
  return contest({ ...what, id: `fs-save-${size}`, title, contenders, alone }, workplace)
}

/**
 * Saves of one size against the libraries that people use instead.
 *
 * @param {SaveRace & { peers: readonly Contender[], versions: Record<string, string> }} what
 * @param {import("../lib/disk.mjs").Workplace} workplace
 */
export async function peerRace({ peers, versions, ...what }, workplace) {
  const { size } = what
  const able = peers.filter((peer) => peer.maxBytes >= size && versions[peer.package] !== undefined)
  const contenders = [ckpt, ...able.map((peer) => ({ ...peer, note: `${versions[peer.package]}: ${peer.note}` }))]
  const title = `fs: save, ${bytesText(size)}, against other libraries`
  return contest({ ...what, id: `fs-peers-${size}`, title, contenders, alone: [] }, workplace)
}

/**
 * Races contenders, each in a folder of its own and with one save behind it: files that only the first save creates are
 * not counted.
 *
 * @param {SaveRace & { id: string, title: string, contenders: Contender[], alone: import("../lib/interleave.mjs").Subject[] }} what
 * @param {import("../lib/disk.mjs").Workplace} workplace
 */
async function contest({ id, title, size, rounds, budgetMs, syncs, contenders, alone }, workplace) {
  const entrants = []
  for (const contender of contenders) entrants.push(await enter(contender, size, workplace))
  const subjects = [...entrants.map(({ subject }) => subject), ...alone]
  const result = await race(
    { id, title, bytes: size, subjects },
    { rounds, budgetMs, warmup: size >= 64 * MiB ? 3 : 50 },
  )
  for (const { close } of entrants) await close()
  const extra = Object.fromEntries(contenders.map(({ name }) => [name, { "syncs per save": syncs[name] ?? "?" }]))
  return { ...result, extra }
}

/**
 * @param {Contender} contender
 * @param {number} size
 * @param {import("../lib/disk.mjs").Workplace} workplace
 */
async function enter(contender, size, workplace) {
  const { name, note } = contender
  const state = stateFor(contender, size)
  const idOf = (/** @type {number} */ round) => round + 2
  const session = await contender.open(await workplace.fresh())
  await session.save(1, stateFor(contender, Math.min(size, 4096)))
  /** @type {import("../lib/interleave.mjs").Subject} */
  const subject = {
    name,
    note,
    before: settling(size, workplace),
    run: (round) => session.save(idOf(round), state),
    // The disk holds at most two large checkpoints. The latest always stays.
    after: async (round) => (size >= 64 * MiB ? session.remove?.(idOf(round) - 1) : undefined),
  }
  return { subject, close: () => session.close() }
}

/**
 * @param {number} size
 * @param {import("../lib/disk.mjs").Workplace} workplace
 */
function settling(size, workplace) {
  return async () => (size >= 64 * MiB ? workplace.settle() : undefined)
}
