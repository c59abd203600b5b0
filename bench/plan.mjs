import { azure } from "./cloud/azure.mjs"
import { gcs } from "./cloud/gcs.mjs"
import { cloudRaces } from "./cloud/races.mjs"
import { s3 } from "./cloud/s3.mjs"
import { peers } from "./fs/all.mjs"
import { manyRaces } from "./fs/many.mjs"
import { loadRace, recoverRace } from "./fs/reads.mjs"
import { peerRace, saveRace } from "./fs/saves.mjs"
import { growth } from "./growth/growth.mjs"
import { importRace, packagesRace } from "./import/import.mjs"
import { langgraphPlan } from "./langgraph/plan.mjs"
import { bytesText, GiB, KiB, MiB } from "./lib/content.mjs"
import { availableMemory, memoryOf } from "./memory/budgets.mjs"
import { pageRaces } from "./page/page.mjs"
import { startService } from "./services/service.mjs"

/**
 * @typedef {object} Context
 * @property {import("./lib/disk.mjs").Workplace} workplace
 * @property {Record<string, string>} versions of what can be compared with; see `usableVersions`
 * @property {(size: number) => Promise<Record<string, string>>} syncs per save, by name of the contender
 */

/**
 * @typedef {object} Measurement
 * @property {string} name its words are what `--only` asks for
 * @property {number} room bytes on the disk that it needs
 * @property {(context: Context) => Promise<{ races?: import("./lib/race.mjs").Race[], memory?: import("./memory/budgets.mjs").MemoryResult[], growth?: import("./growth/growth.mjs").Growth[], tables?: import("./lib/table.mjs").Table[] }>} run
 */

/**
 * Everything that can be measured, in order.
 *
 * @param {{ quick: boolean, rounds: number | undefined }} options
 * @returns {Measurement[]}
 */
export function plan({ quick, rounds }) {
  /**
   * @param {number} usual
   * @param {number} budgetMs
   */
  const effort = (usual, budgetMs) => ({
    rounds: rounds ?? Math.max(3, quick ? Math.ceil(usual / 3) : usual),
    budgetMs: rounds === undefined ? (quick ? budgetMs / 3 : budgetMs) : Number.POSITIVE_INFINITY,
  })
  const sizes = [0, 4 * KiB, MiB, 64 * MiB, 512 * MiB]
  /** @param {number} size */
  const often = (size) =>
    size >= 512 * MiB ? effort(5, 30_000) : size >= 64 * MiB ? effort(11, 25_000) : effort(201, 15_000)
  // The disk varies most: a dozen rounds, so that one stall does not decide.
  /** @param {number} size */
  const oftenSaved = (size) => (size >= 512 * MiB ? effort(15, 80_000) : often(size))
  return [
    ...sizes.map((size) => ({
      name: `fs save ${words(size)}`,
      room: size * 10,
      run: async (/** @type {Context} */ { workplace, syncs }) => ({
        races: [await saveRace({ size, ...oftenSaved(size), syncs: await syncs(Math.min(size, MiB)) }, workplace)],
      }),
    })),
    ...sizes.map((size) => ({
      name: `fs peers ${words(size)}`,
      // Room for the log or the journal of a database beside its data, and for two of each.
      room: size >= 512 * MiB ? size * 50 : size * 150,
      run: async (/** @type {Context} */ { workplace, versions, syncs }) => {
        const effortHere =
          size >= 512 * MiB ? effort(3, 30_000) : size >= 64 * MiB ? effort(5, 30_000) : effort(51, 12_000)
        const counted = await syncs(Math.min(size, MiB))
        return { races: [await peerRace({ size, ...effortHere, syncs: counted, peers, versions }, workplace)] }
      },
    })),
    ...sizes.map((size) => ({
      name: `fs recover ${words(size)}`,
      room: size * 3,
      run: async (/** @type {Context} */ { workplace }) => {
        const races = [await recoverRace({ size, ...often(size), cold: false }, workplace)]
        if (size >= 64 * MiB) races.push(await recoverRace({ size, ...often(size), cold: true }, workplace))
        return { races }
      },
    })),
    ...sizes.map((size) => ({
      name: `fs load ${words(size)}`,
      room: size * 12,
      run: async (/** @type {Context} */ { workplace, versions }) => ({
        races: [await loadRace({ size, ...often(size), versions }, workplace)],
      }),
    })),
    ...[100, quick ? 1_000 : 10_000].map((count) => ({
      name: `fs list prune ${count}`,
      room: count * 64 * KiB,
      run: async (/** @type {Context} */ { workplace }) => ({
        races: await manyRaces({ count, ...effort(count > 100 ? 3 : 21, 30_000) }, workplace),
      }),
    })),
    {
      name: "growth",
      room: (quick ? 10_000 : 100_000) * 64 * KiB,
      run: async ({ workplace }) => ({
        growth: await growth(
          { counts: quick ? [100, 1_000, 10_000] : [100, 1_000, 10_000, 100_000], rounds: effort(5, 0).rounds },
          workplace,
        ),
      }),
    },
    ...[s3, azure, gcs].flatMap((cloud) =>
      [0, 10, 50].map((delayMs) => ({
        name: `cloud ${cloud.name} ${delayMs}ms`,
        room: 0,
        run: async () => ({ races: await cloudRaces(cloud, { size: 64 * MiB, delayMs, ...effort(7, 10_000) }) }),
      })),
    ),
    ...[s3, azure, gcs].flatMap((cloud) =>
      [15, 60].map((megabytesPerSecond) => ({
        name: `cloud ${cloud.name} ${megabytesPerSecond}MB/s`,
        room: 0,
        run: async () => ({
          races: await cloudRaces(cloud, { size: 64 * MiB, delayMs: 10, megabytesPerSecond, ...effort(5, 30_000) }),
        }),
      })),
    ),
    {
      name: "page",
      room: 10_000 * 64 * KiB,
      run: async ({ workplace }) => ({
        races: await pageRaces({ count: quick ? 1_000 : 10_000, rounds: effort(11, 0).rounds }, workplace),
      }),
    },
    {
      name: "import",
      room: 16 * MiB,
      run: async ({ workplace }) => ({
        races: [await importRace(effort(101, 30_000)), await packagesRace(effort(41, 60_000), workplace)],
      }),
    },
    ...langgraphPlan({ long: quick ? 50 : 200, effort }),
    ...memoryPlan(quick ? GiB / 2 : 2 * GiB),
  ]
}

/** @param {number} bytes */
function words(bytes) {
  return bytes === 0 ? "manifest" : bytesText(bytes).replace(" ", "")
}

/**
 * @param {number} size bytes
 * @returns {Measurement[]}
 */
function memoryPlan(size) {
  const kinds = /** @type {const} */ (["s3", "s3-bare"])
  return [
    {
      name: "memory fs",
      room: size * 2,
      run: async ({ workplace }) => ({
        memory: [await memoryOf({ kind: "fs", size, folder: await workplace.fresh() })],
      }),
    },
    ...kinds.map((kind) => ({
      name: `memory ${kind}`,
      room: 0,
      run: async () => {
        // The server keeps its objects in memory, and needs some memory for itself.
        if ((await availableMemory()) < size * 2.5) throw new Error("too little memory for the server's copy")
        const servers = startService("servers.mjs")
        try {
          const server = await servers.call("s3")
          if (server === undefined) return {}
          const bucket = `bench-memory-${Date.now().toString(36)}`
          await s3.createBucket(server, bucket)
          return { memory: [await memoryOf({ kind, size, server, bucket })] }
        } finally {
          await servers.stop()
        }
      },
    })),
  ]
}
