import { bytesText, chunksOf, MiB, manifestOf } from "../lib/content.mjs"
import { spread } from "../lib/stats.mjs"
import { number } from "../lib/table.mjs"

/** @typedef {{ name: string, from: number, to: number }} Call */

const saves = 101

/**
 * A table of the file calls that a small save waits for. Each moment belongs to a sync, to another call, or to no call.
 *
 * @param {number} size bytes of state; 0 is a manifest alone
 * @param {string} folder
 * @returns {Promise<import("../lib/table.mjs").Table>}
 */
export async function callTimes(size, folder) {
  const { openFsStore } = await import("../../packages/fs/dist/index.js")
  /** @type {Call[]} */
  const calls = []
  const store = await openFsStore(folder, { files: await watchedFiles(calls) })
  const options = size === 0 ? {} : { state: chunksOf(size, MiB) }
  /** @type {ReturnType<typeof partition>[]} */
  const rounds = []
  for (let id = 1; id <= saves; id++) {
    calls.length = 0
    const from = performance.now()
    await store.save(manifestOf(id), options)
    // The first save makes the folders.
    if (id > 1) rounds.push(partition(calls, from, performance.now()))
  }
  await store.close()
  /** @param {(round: ReturnType<typeof partition>) => number} of */
  const median = (of) => spread(rounds.map(of)).median
  const rows = [
    ["a sync in flight", number(median((round) => round.syncing)), `${median((round) => round.syncs)}`],
    ["no sync, but another file call", number(median((round) => round.calling)), `${median((round) => round.others)}`],
    ["neither: JavaScript, or waiting for a core", number(median((round) => round.neither)), ""],
  ]
  const title = `Where the time goes: fs save, ${bytesText(size)} (${rounds.length} saves)`
  return { title, columns: ["", "ms of a save, median", "calls"], rows }
}

/**
 * @param {readonly Call[]} calls
 * @param {number} start
 * @param {number} end
 */
function partition(calls, start, end) {
  const edges = calls.flatMap((call) => [
    { at: call.from, sync: isSync(call), step: 1 },
    { at: call.to, sync: isSync(call), step: -1 },
  ])
  edges.sort((a, b) => a.at - b.at)
  const round = { syncing: 0, calling: 0, neither: 0, syncs: calls.filter(isSync).length, others: 0 }
  round.others = calls.length - round.syncs
  const open = { syncs: 0, others: 0 }
  let last = start
  for (const { at, sync, step } of [...edges, { at: end, sync: false, step: 0 }]) {
    round[open.syncs > 0 ? "syncing" : open.others > 0 ? "calling" : "neither"] += at - last
    last = at
    open[sync ? "syncs" : "others"] += step
  }
  return round
}

/** @param {Call} call */
function isSync({ name }) {
  return name === "sync" || name === "datasync"
}

/** @param {Call[]} calls */
async function watchedFiles(calls) {
  const { nodeFiles } = await import("../../packages/fs/build/files/file-api.js")
  /**
   * @param {string} name
   * @param {(...args: any[]) => Promise<any>} call
   */
  const watched =
    (name, call) =>
    async (/** @type {any[]} */ ...args) => {
      const from = performance.now()
      try {
        return await call(...args)
      } finally {
        calls.push({ name, from, to: performance.now() })
      }
    }
  const files = Object.fromEntries(Object.entries(nodeFiles).map(([name, call]) => [name, watched(name, call)]))
  const open = async (/** @type {any[]} */ ...args) =>
    new Proxy(await files.open(...args), {
      get(file, name) {
        const value = Reflect.get(file, name)
        return typeof value === "function" ? watched(String(name), value.bind(file)) : value
      },
    })
  return /** @type {any} */ ({ ...files, open })
}
