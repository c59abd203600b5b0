import { bytesText, chunksOf, MiB, manifestOf, wholeOf } from "../lib/content.mjs"
import { race } from "../lib/race.mjs"
import { spread } from "../lib/stats.mjs"
import { startService } from "../services/service.mjs"

/** @typedef {import("../lib/interleave.mjs").Subject} Subject */

/**
 * Save and restore of one state against the bare SDK, through a proxy that makes each round trip longer. With a limit of each
 * connection, only the restore: a save sends several parts at once in any case.
 *
 * @param {import("./sdk.mjs").Cloud} cloud
 * @param {{ size: number, delayMs: number, megabytesPerSecond?: number, rounds: number, budgetMs: number }} what
 * @returns {Promise<import("../lib/race.mjs").Race[]>} none if the server cannot be had
 */
export async function cloudRaces(cloud, { size, delayMs, megabytesPerSecond, rounds, budgetMs }) {
  const servers = startService("servers.mjs")
  const proxy = startService("proxy.mjs")
  try {
    const server = await servers.call(cloud.name)
    if (server === undefined) return []
    const port = await proxy.call(
      "start",
      cloud.portOf(server),
      delayMs,
      megabytesPerSecond && megabytesPerSecond * 1e6,
    )
    const bucket = `bench-${process.pid}-${delayMs}-${Date.now().toString(36)}`
    await cloud.createBucket(server, bucket)
    const store = await cloud.openStore(server, port, bucket)
    const bare = cloud.bare(server, port, bucket)
    const line = {
      id: megabytesPerSecond === undefined ? `${delayMs}` : `${delayMs}-${megabytesPerSecond}`,
      text: `${delayMs} ms added${megabytesPerSecond === undefined ? "" : `, ${megabytesPerSecond} MB/s a connection`}`,
    }
    const place = { cloud, size, line, store, bare, counter: counterOf(proxy) }
    const options = { rounds, budgetMs, warmup: 1 }
    const races = megabytesPerSecond === undefined ? [await saveRace(place, options)] : []
    races.push(await restoreRace(place, options))
    await store.close()
    bare.close()
    return races
  } finally {
    await proxy.stop()
    await servers.stop()
  }
}

/**
 * @typedef {object} Place
 * @property {import("./sdk.mjs").Cloud} cloud
 * @property {number} size
 * @property {{ id: string, text: string }} line
 * @property {import("../../packages/core/dist/index.js").CheckpointStore} store
 * @property {import("./sdk.mjs").Bare} bare
 * @property {ReturnType<typeof counterOf>} counter
 */

/**
 * @param {Place} place
 * @param {{ rounds: number, budgetMs: number, warmup: number }} options
 */
async function saveRace({ cloud, size, line, store, bare, counter }, options) {
  const chunks = chunksOf(size, MiB)
  const whole = wholeOf(size)
  // The first write of a store checks the storage too. The second write costs as much as every later one.
  await store.save(manifestOf(1))
  const stateIds = (/** @type {number} */ round) => round * 2 + 3
  /** @type {Subject[]} */
  const subjects = [
    {
      name: "ckpt save",
      note: "state, manifest, history, pointer",
      run: (round) => store.save(manifestOf(round * 2 + 2), { state: chunks }),
      // Only the latest checkpoint stays, so that the memory of the server holds two at most.
      after: async (round) => void (round > 0 && (await store.remove(round * 2))),
    },
    {
      name: "ckpt writeState",
      note: "the upload alone, hashed, created only if absent",
      run: (round) => store.writeState(stateIds(round), chunks),
      after: async (round) =>
        void (await bare.remove(`checkpoints/state-${String(stateIds(round)).padStart(6, "0")}.bin`)),
    },
    {
      name: "bare SDK upload",
      note: bare.uploadNote,
      run: (round) => bare.upload(`bare-${round}`, whole),
      after: (round) => bare.remove(`bare-${round}`),
    },
  ]
  const { uploadChecked } = bare
  if (uploadChecked !== undefined) {
    subjects.push({
      name: "bare SDK, checked",
      note: bare.checkedNote,
      run: (round) => uploadChecked(`checked-${round}`, whole),
      after: (round) => bare.remove(`checked-${round}`),
    })
  }
  const title = `${cloud.title}: save, ${bytesText(size)}, ${line.text}`
  const id = `${cloud.name}-save-${line.id}`
  const result = await race({ id, title, bytes: size, subjects: subjects.map(counter.wrap) }, options)
  return { ...result, extra: counter.columns() }
}

/**
 * @param {Place} place
 * @param {{ rounds: number, budgetMs: number, warmup: number }} options
 */
async function restoreRace({ cloud, size, line, store, bare, counter }, options) {
  const id = await store.nextId()
  await store.save(manifestOf(id), { state: chunksOf(size, MiB) })
  await bare.upload("restored", wholeOf(size))
  /** @param {number} bytes */
  const whole = (bytes) => {
    if (bytes !== size) throw new Error(`${bytes} of ${size} bytes came`)
  }
  /** @type {Subject[]} */
  const subjects = [
    {
      name: "ckpt restore",
      note: "manifest and state, verified by SHA-256",
      async run() {
        const state = await store.readState(id)
        let bytes = 0
        for await (const chunk of state ?? []) bytes += chunk.length
        whole(bytes)
      },
    },
    { name: "bare SDK download", note: bare.downloadNote, run: async () => whole(await bare.download("restored")) },
  ]
  const title = `${cloud.title}: restore, ${bytesText(size)}, ${line.text}`
  const raceId = `${cloud.name}-restore-${line.id}`
  const result = await race({ id: raceId, title, bytes: size, subjects: subjects.map(counter.wrap) }, options)
  return { ...result, extra: counter.columns() }
}

/**
 * Counts the requests that pass the proxy during each timed run.
 *
 * @param {import("../services/service.mjs").Service} proxy
 */
function counterOf(proxy) {
  /** @type {Map<string, number[]>} */
  const seen = new Map()
  return {
    /** @param {Subject} subject */
    wrap: (subject) => ({
      ...subject,
      /** @param {number} round */
      async before(round) {
        await subject.before?.(round)
        await proxy.call("reset")
      },
      /** @param {number} round */
      async after(round) {
        const { requests } = await proxy.call("counted")
        seen.set(subject.name, [...(seen.get(subject.name) ?? []), requests])
        await subject.after?.(round)
      },
    }),
    /** @returns {Record<string, Record<string, string>>} */
    columns: () =>
      Object.fromEntries([...seen].map(([name, counts]) => [name, { requests: `${spread(counts.slice(1)).median}` }])),
  }
}
