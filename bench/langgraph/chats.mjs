import { KiB, MiB } from "../lib/content.mjs"
import { number } from "../lib/table.mjs"
import { chatOf } from "./chat.mjs"
import { inRounds } from "./round-trips.mjs"
import { ckptOnFs, ckptOnS3, memory, postgres, sqlite } from "./savers.mjs"

/**
 * What the turns of a chat, and a whole chat, ask of the storage: exact, however busy the machine is.
 *
 * @param {readonly number[]} marks turns at which it is counted, from 2: the first turn prepares the storage. All but the first
 *   are lengths of chats, too
 * @param {import("./services.mjs").Services} services
 * @returns {Promise<import("../lib/table.mjs").Table[]>}
 */
export async function chatTables(marks, services) {
  const chains = await chainsOf(marks)
  const turns = []
  const chats = []
  const notes = []
  for (const contender of [ckptOnFs, ckptOnS3, sqlite, postgres, memory]) {
    const { name } = contender
    try {
      const counts = await countsOf(contender, marks, services)
      const requests = counts.map(({ inTurn }, at) => {
        // Postgres takes one statement after the other.
        if (contender === postgres) return `${inTurn.requests} (${inTurn.requests})`
        const { requests: inMemory, roundTrips } = chains[at]
        const isOurs = contender === ckptOnFs || contender === ckptOnS3
        return isOurs ? `${inTurn.requests ?? inMemory} (${roundTrips})` : "–"
      })
      turns.push([name, ...counts.flatMap(({ inTurn }, at) => [requests[at], bytesText(inTurn.written)])])
      chats.push([
        name,
        ...counts.slice(1).flatMap(({ inAll, stored }) => [bytesText(inAll.written), bytesText(stored)]),
      ])
    } catch (error) {
      notes.push(`Left out: ${name}: ${error instanceof Error ? error.message.split("\n")[0] : error}`)
    }
  }
  return [
    {
      title: "A turn: requests and bytes",
      columns: ["", ...marks.flatMap((mark) => [`turn ${mark}: requests (round trips)`, "written"])],
      rows: turns,
      notes,
    },
    {
      title: "A chat: bytes",
      columns: ["", ...marks.slice(1).flatMap((mark) => [`${mark} turns: written`, "stored"])],
      rows: chats,
    },
  ]
}

/**
 * @param {import("./savers.mjs").Contender} contender
 * @param {readonly number[]} marks
 * @param {import("./services.mjs").Services} services
 */
async function countsOf(contender, marks, services) {
  const place = await contender.create(services)
  const { saver, counted, stored, close } = await place.open()
  try {
    const chat = await chatOf(saver)
    const count = async () => (await counted?.()) ?? {}
    const atStart = await count()
    const found = []
    for (let turn = 1; turn <= Number(marks.at(-1)); turn++) {
      const before = await count()
      await chat.turn()
      if (!marks.includes(turn)) continue
      const after = await count()
      found.push({ inTurn: between(before, after), inAll: between(atStart, after), stored: await stored() })
    }
    return found
  } finally {
    await close()
  }
}

/** @param {readonly number[]} marks */
async function chainsOf(marks) {
  const { CkptSaver } = await import("../../packages/langgraph/dist/index.js")
  const { MemoryBackend } = await import("../../packages/memory/dist/index.js")
  const rounds = inRounds(new MemoryBackend())
  const chat = await chatOf(new CkptSaver({ backend: rounds.backend }))
  const found = []
  for (let turn = 1; turn <= Number(marks.at(-1)); turn++) {
    if (marks.includes(turn)) found.push(await rounds.count(chat.turn))
    else await chat.turn()
  }
  return found
}

/** @typedef {{ requests?: number, written?: number }} Counts */

/**
 * @param {Counts} before
 * @param {Counts} after
 * @returns {Counts}
 */
function between(before, after) {
  const difference = (/** @type {number | undefined} */ a, /** @type {number | undefined} */ b) =>
    a === undefined || b === undefined ? undefined : b - a
  return {
    requests: difference(before.requests, after.requests),
    written: difference(before.written, after.written),
  }
}

/** @param {number | undefined} bytes */
function bytesText(bytes) {
  if (bytes === undefined) return "–"
  return bytes < MiB ? `${number(bytes / KiB)} KiB` : `${number(bytes / MiB)} MiB`
}
