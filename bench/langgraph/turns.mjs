import { race } from "../lib/race.mjs"
import { chatOf } from "./chat.mjs"
import { ckptOnFs, ckptOnS3, ckptOnS3Async, memory, postgres, sqlite, sqliteFull } from "./savers.mjs"

/** @typedef {import("../lib/interleave.mjs").Subject} Subject */

/**
 * One more turn of a chat: on one machine, and on a server at some distance.
 *
 * @param {{ turns: number, rounds: number, budgetMs: number }} what
 * @param {import("./services.mjs").Services} services
 * @returns {Promise<import("../lib/race.mjs").Race[]>}
 */
export async function turnRaces({ turns, ...options }, services) {
  const here = { id: "disk", text: "one machine", contenders: [ckptOnFs, sqlite, sqliteFull, postgres, memory] }
  const away = [0, 20].map((delayMs) => ({
    id: `${delayMs}`,
    text: `a server, ${delayMs} ms added`,
    contenders: delayMs === 0 ? [ckptOnS3, postgres] : [ckptOnS3, ckptOnS3Async, postgres],
    delayMs,
  }))
  const races = []
  for (const { id, text, contenders, delayMs } of [here, ...away]) {
    /** @type {(() => Promise<unknown>)[]} */
    const ends = []
    try {
      const subjects = []
      for (const contender of contenders) subjects.push(await subjectOf(contender, turns, delayMs, services, ends))
      const title = `One more turn after ${turns}: ${text}`
      races.push(await race({ id: `langgraph-${turns}-${id}`, title, subjects }, options))
    } finally {
      for (const end of ends) await end()
    }
  }
  return races
}

/**
 * A subject with so many turns behind it. One that cannot be had fails, and the race says why.
 *
 * @param {import("./savers.mjs").Contender} contender
 * @param {number} turns
 * @param {number | undefined} delayMs
 * @param {import("./services.mjs").Services} services
 * @param {(() => Promise<unknown>)[]} ends what closes it
 * @returns {Promise<Subject>}
 */
async function subjectOf({ name, note, create, durability }, turns, delayMs, services, ends) {
  try {
    const place = await create(services)
    const filling = await place.open()
    const history = await chatOf(filling.saver, durability)
    for (let turn = 0; turn < turns; turn++) await history.turn()
    await filling.close()
    const { saver, close } = await place.open(delayMs)
    ends.push(close)
    const chat = await chatOf(saver, durability)
    // No contender's dirty pages may cost another contender time.
    return { name, note: note(), run: chat.turn, after: () => services.workplace.settle() }
  } catch (error) {
    return { name, run: () => Promise.reject(error) }
  }
}
