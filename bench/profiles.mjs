import { azure } from "./cloud/azure.mjs"
import { gcs } from "./cloud/gcs.mjs"
import { s3 } from "./cloud/s3.mjs"
import { callTimes } from "./fs/call-times.mjs"
import { ckpt, stateFor } from "./fs/contender.mjs"
import { fill } from "./fs/many.mjs"
import { bytesText, chunksOf, MiB, manifestOf } from "./lib/content.mjs"
import { profiled } from "./lib/profile.mjs"
import { startService } from "./services/service.mjs"

/** @typedef {import("./lib/disk.mjs").Workplace} Workplace */
/** @typedef {import("./lib/table.mjs").Table} Table */

/**
 * For each target that was not reached: where the time goes.
 *
 * @param {readonly import("./lib/targets.mjs").Target[]} targets
 * @param {Workplace} workplace
 * @returns {Promise<Table[]>}
 */
export async function profiles(targets, workplace) {
  const missed = new Set(targets.filter(({ reached }) => reached === false).map(({ id }) => id.replace("-cold", "")))
  // The memory of a cloud and its saves share a profile.
  const ids = [...missed].filter((id) => !missed.has(`${id.replace("memory-", "")}-save-10`))
  const tables = []
  for (const id of ids) {
    const table = await profileOf(id, workplace)
    if (table !== undefined) tables.push(table)
  }
  return tables
}

/**
 * @param {string} id of a race, or of a measurement of memory
 * @param {Workplace} workplace
 */
async function profileOf(id, workplace) {
  const [, what, size] = /^fs-(save|recover|load)-(\d+)$/.exec(id) ?? []
  // A small save waits for one call after the other: a profile of the main thread would show it idle.
  if (what === "save" && Number(size) < MiB) return callTimes(Number(size), await workplace.fresh())
  if (what !== undefined) return fsProfile(/** @type {"save" | "recover" | "load"} */ (what), Number(size), workplace)
  const [, count] = /^fs-prune-(\d+)$/.exec(id) ?? []
  if (count !== undefined) return pruneProfile(Number(count), await workplace.fresh())
  const [, name, operation] = /^(\w+)-(save|restore)-10$/.exec(id.replace(/^memory-(\w+)$/, "$1-save-10")) ?? []
  const cloud = [s3, azure, gcs].find((one) => one.name === name)
  if (cloud === undefined) return undefined
  return cloudProfile(cloud, /** @type {"save" | "restore"} */ (operation))
}

/**
 * @param {"save" | "recover" | "load"} what
 * @param {number} size bytes
 * @param {Workplace} workplace
 */
async function fsProfile(what, size, workplace) {
  const session = await ckpt.open(await workplace.fresh())
  const state = stateFor(ckpt, size)
  const times = size < MiB && what !== "save" ? 100 : 3
  await session.save(1, state)
  try {
    const title = `${times} × fs ${what}, ${bytesText(size)}`
    return await profiled(title, async () => {
      for (let id = 2; id < times + 2; id++)
        await (what === "save"
          ? session.save(id, state)
          : what === "load"
            ? session.load(1, size > 0)
            : session.recover?.())
    })
  } finally {
    await session.close()
  }
}

/**
 * @param {number} count
 * @param {string} folder
 */
async function pruneProfile(count, folder) {
  const { openFsStore } = await import("../packages/fs/dist/index.js")
  await fill(folder, count)
  const store = await openFsStore(folder)
  try {
    return await profiled(`fs prune of ${count}, ${count / 10} stay`, () => store.prune({ last: count / 10 }))
  } finally {
    await store.close()
  }
}

/**
 * @param {import("./cloud/sdk.mjs").Cloud} cloud
 * @param {"save" | "restore"} operation
 */
async function cloudProfile(cloud, operation) {
  const servers = startService("servers.mjs")
  const proxy = startService("proxy.mjs")
  try {
    const server = await servers.call(cloud.name)
    if (server === undefined) return undefined
    const bucket = `bench-profile-${Date.now().toString(36)}`
    await cloud.createBucket(server, bucket)
    const store = await cloud.openStore(server, await proxy.call("start", cloud.portOf(server), 10), bucket)
    const state = chunksOf(64 * MiB, MiB)
    await store.save(manifestOf(1), { state })
    const table = await profiled(`3 × ${cloud.name} ${operation}, 64 MiB, 10 ms added`, async () => {
      for (let id = 2; id < 5; id++) {
        if (operation === "save") await store.save(manifestOf(id), { state })
        else for await (const _ of (await store.readState(1)) ?? []);
      }
    })
    await store.close()
    return table
  } finally {
    await proxy.stop()
    await servers.stop()
  }
}
