import { interleave } from "./interleave.mjs"
import { pairedRatio, spread } from "./stats.mjs"
import { number, spreadText } from "./table.mjs"

/**
 * @typedef {object} Race
 * @property {string} id
 * @property {string} title
 * @property {number} [bytes] of one operation, for a throughput
 * @property {import("./interleave.mjs").Timed[]} results the first one is ours
 * @property {Record<string, Record<string, string>>} [extra] further columns: name of the subject, then column
 * @property {string[]} [notes]
 */

/**
 * @param {Omit<Race, "results"> & { subjects: import("./interleave.mjs").Subject[] }} race the first subject is ours
 * @param {Parameters<typeof interleave>[1]} options
 * @returns {Promise<Race>}
 */
export async function race({ subjects, ...rest }, options) {
  return { ...rest, results: await interleave(subjects, options) }
}

/**
 * @param {Race} race
 * @param {string} name
 */
export function times(race, name) {
  return race.results.find((result) => result.name === name)?.ms ?? []
}

/**
 * @param {Race} race
 * @returns {import("./table.mjs").Table}
 */
export function raceTable({ title, bytes, results, extra = {}, notes }) {
  const [ours] = results
  const more = [...new Set(Object.values(extra).flatMap((columns) => Object.keys(columns)))]
  const rate = bytes !== undefined && bytes >= 1024 * 1024
  const columns = ["", "ms, median [quartiles]", ...(rate ? ["MiB/s"] : []), `${ours.name} ÷ it`, ...more, "note"]
  const rows = results.map(({ name, ms, note, failed }) => {
    const { median } = spread(ms)
    const speed = rate ? [ms.length > 0 ? number((bytes / 1024 / 1024 / median) * 1000) : "–"] : []
    const ratio = name === ours.name ? "1" : ms.length > 0 ? spreadText(pairedRatio(ours.ms, ms)) : "–"
    const time = ms.length > 0 ? spreadText(spread(ms)) : "–"
    const added = more.map((column) => extra[name]?.[column] ?? "")
    return [name, time, ...speed, ratio, ...added, failed === undefined ? (note ?? "") : `left out: ${failed}`]
  })
  return { title: `${title} (${ours.ms.length} rounds)`, columns, rows, notes }
}
