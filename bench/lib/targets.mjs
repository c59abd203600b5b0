import { bytesText, GiB, KiB, MiB } from "./content.mjs"
import { times } from "./race.mjs"
import { pairedRatio, spread } from "./stats.mjs"
import { number, spreadText } from "./table.mjs"

/**
 * @typedef {object} Target
 * @property {string} id
 * @property {string} text
 * @property {string} limit
 * @property {string} measured
 * @property {boolean | undefined} reached undefined: not measured in this run
 */

/** @typedef {import("./race.mjs").Race} Race */
/** @typedef {import("../memory/budgets.mjs").MemoryResult} MemoryResult */

/**
 * The targets, and whether each was reached.
 *
 * @param {readonly Race[]} races
 * @param {readonly MemoryResult[]} memory
 * @returns {Target[]}
 */
export function targets(races, memory) {
  /** @param {string} id */
  const find = (id) => races.find((race) => race.id === id)
  const large = find(`fs-save-${512 * MiB}`)
  return [
    ratio("512 MiB saved on fs ÷ the longer of hash alone and write + fsync alone", 1.1, large, "ckpt", (race) => {
      const writes = times(race, "write + fsync alone")
      return times(race, "hash alone").map((hash, round) => Math.max(hash, writes[round]))
    }),
    ratio("4 KiB saved on fs ÷ sequential port", 0.65, find("fs-save-4096"), "ckpt", against("sequential port")),
    ratio("manifest alone saved on fs ÷ sequential port", 0.75, find("fs-save-0"), "ckpt", against("sequential port")),
    ...["recover", "load"].flatMap((what) =>
      [0, 4 * KiB].map((size) =>
        ratio(
          `${what === "load" ? "loaded" : "recovered (deep)"} on fs: ${bytesText(size)} ÷ sequential port`,
          1.3,
          find(`fs-${what}-${size}`),
          "ckpt",
          against("sequential port"),
        ),
      ),
    ),
    ratio("list of 10,000 on fs ÷ sequential port", 0.8, find("fs-list-10000"), "ckpt", against("sequential port")),
    ...[100, 10_000].map((count) =>
      ratio(
        `prune of ${count.toLocaleString("en")} on fs ÷ sequential port`,
        1,
        find(`fs-prune-${count}`),
        "ckpt",
        against("sequential port"),
      ),
    ),
    ...[100, 10_000].map((count) =>
      ratio(
        `prune of ${count.toLocaleString("en")} on fs, later in a process ÷ sequential port`,
        1,
        find(`fs-prune-${count}`),
        "ckpt, later",
        against("sequential port"),
      ),
    ),
    ...["", "-cold"].map((kind) =>
      ratio(
        `64 MiB recovered (deep) on fs ÷ read, then hash${kind === "" ? ", warm page cache" : ", cold page cache"}`,
        kind === "" ? 0.55 : 0.4,
        find(`fs-recover-${64 * MiB}${kind}`),
        "ckpt",
        against("read, then hash"),
      ),
    ),
    ...["fs", "s3"].flatMap((kind) => memoryTargets(kind, memory)),
    ...pageTargets(find("page-10000")),
    ...["s3", "azure", "gcs"].flatMap((cloud) => [
      ratio(
        `${cloud}: 64 MiB saved ÷ bare SDK upload, 10 ms added`,
        1.15,
        find(`${cloud}-save-10`),
        "ckpt save",
        against("bare SDK upload"),
      ),
      ...[
        { line: "10", text: "10 ms added", limit: 1.3 },
        { line: "50", text: "50 ms added", limit: 1.3 },
        { line: "10-15", text: "15 MB/s a connection", limit: 0.4 },
      ].map(({ line, text, limit }) =>
        ratio(
          `${cloud}: 64 MiB restored ÷ bare SDK download, ${text}`,
          limit,
          find(`${cloud}-restore-${line}`),
          "ckpt restore",
          against("bare SDK download"),
        ),
      ),
    ]),
  ]
}

/**
 * @param {string} name
 * @returns {(race: Race) => number[]}
 */
function against(name) {
  return (race) => times(race, name)
}

/**
 * @param {string} text
 * @param {number} limit
 * @param {Race | undefined} race
 * @param {string} ours
 * @param {(race: Race) => number[]} theirs
 * @returns {Target}
 */
function ratio(text, limit, race, ours, theirs) {
  const target = { id: race?.id ?? "", text, limit: `≤ ${limit}` }
  if (race === undefined || times(race, ours).length === 0 || theirs(race).length === 0) {
    return { ...target, measured: "–", reached: undefined }
  }
  const paired = pairedRatio(times(race, ours), theirs(race))
  return { ...target, measured: spreadText(paired), reached: paired.median <= limit }
}

/**
 * @param {Race | undefined} race
 * @returns {Target[]}
 */
function pageTargets(race) {
  /** @param {string} name */
  const median = (name) => (race === undefined ? undefined : spread(times(race, name)).median)
  const id = "page-10000"
  const [first, fresh, frame] = ["first paint", "first paint of a new server", "a frame while panning"]
  return [
    judged({ id, text: `page of 10,000: ${first}, ms`, limit: "< 1000" }, median(first), (ms) => ms < 1_000),
    judged({ id, text: `page of 10,000: ${fresh}, ms`, limit: "< 1000" }, median(fresh), (ms) => ms < 1_000),
    judged({ id, text: `page of 10,000: ${frame}, ms`, limit: "≤ 17" }, median(frame), (ms) => ms <= 17),
  ]
}

/**
 * @param {string} kind
 * @param {readonly MemoryResult[]} results
 * @returns {Target[]}
 */
function memoryTargets(kind, results) {
  const result = results.find((one) => one.kind === kind)
  return /** @type {const} */ (["save", "restore"]).flatMap((phase) => {
    const what = `${kind}: ${phase} of 2 GiB`
    const id = `memory-${kind}`
    const whole = result?.size === 2 * GiB ? result : undefined
    const above = whole === undefined ? undefined : (whole[phase].peak - whole.idle) / MiB
    const delay = whole?.[phase].delayP99
    return [
      judged({ id, text: `${what}, MiB of memory above idle`, limit: "≤ 100" }, above, (value) => value <= 100),
      judged(
        { id, text: `${what}, p99 of the event loop's delay in ms`, limit: "< 20" },
        delay,
        (value) => value < 20,
        ` (a process that did nothing: ${number(whole?.beside.p99 ?? Number.NaN)})`,
      ),
    ]
  })
}

/**
 * @param {{ id: string, text: string, limit: string }} target
 * @param {number | undefined} value
 * @param {(value: number) => boolean} isReached
 * @param {string} [remark]
 * @returns {Target}
 */
function judged(target, value, isReached, remark = "") {
  if (value === undefined) return { ...target, measured: "–", reached: undefined }
  return { ...target, measured: `${number(value)}${remark}`, reached: isReached(value) }
}

/**
 * @param {readonly Target[]} all
 * @returns {import("./table.mjs").Table}
 */
export function targetTable(all) {
  return {
    title: "Must reach",
    columns: ["", "limit", "measured", ""],
    rows: all.map(({ text, limit, measured, reached }) => [
      text,
      limit,
      measured,
      reached === undefined ? "not measured" : reached ? "reached" : "**not reached**",
    ]),
  }
}
