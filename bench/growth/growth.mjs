import { link, lstat, mkdir, open, readdir, realpath, rename, rmdir, stat, unlink } from "node:fs/promises"
import { fill } from "../fs/many.mjs"
import { manifestOf } from "../lib/content.mjs"
import { spread } from "../lib/stats.mjs"
import { number } from "../lib/table.mjs"

/** What is measured, in this order: a claim is last, since nobody else writes after it. */
export const operations = /** @type {const} */ (["recover", "list the last 20", "list", "prune", "claim"])

/** Milliseconds that each request to a simulated cloud takes. */
const latencyMs = 10
const keysInPage = 1_000
/** Checkpoints that a prune removes. */
const pruned = 10

/**
 * @typedef {object} Growth How the operations of one storage grow with the number of its checkpoints.
 * @property {string} storage
 * @property {string} call what is counted
 * @property {{ count: number, costs: Record<string, { ms: number, calls: number }> }[]} rows
 */

/**
 * @param {{ counts: readonly number[], rounds: number }} what
 * @param {import("../lib/disk.mjs").Workplace} workplace
 * @returns {Promise<Growth[]>}
 */
export async function growth({ counts, rounds }, workplace) {
  const { MemoryBackend } = await import("../../packages/memory/dist/index.js")
  const { FsBackend } = await import("../../packages/fs/dist/index.js")
  /** @param {(count: number) => Promise<Place>} make */
  const rows = async (make) => {
    const found = []
    for (const count of counts) {
      const place = await make(count)
      found.push({ count, costs: await costs(place, count, rounds) })
      await place.end()
    }
    return found
  }
  const inMemory = async (/** @type {number} */ count, /** @type {(backend: any) => any} */ through) => {
    const backend = new MemoryBackend()
    const counter = { calls: 0 }
    await filled(backend, count)
    return {
      counter,
      layout: /** @type {const} */ ("objects"),
      open: () => through(counted(backend, counter)),
      end: async () => {},
    }
  }
  return [
    {
      storage: "fs",
      call: "file calls",
      rows: await rows(async (count) => {
        const folder = await workplace.fresh()
        await fill(folder, count)
        await workplace.settle()
        const counter = { calls: 0 }
        const files = countedFiles(counter)
        return {
          counter,
          layout: /** @type {const} */ ("directory"),
          open: () => new FsBackend(folder, { files }),
          end: () => workplace.clear(),
        }
      }),
    },
    { storage: "memory", call: "requests", rows: await rows((count) => inMemory(count, (backend) => backend)) },
    {
      storage: `memory, each request ${latencyMs} ms`,
      call: "requests",
      rows: await rows((count) => inMemory(count, slow)),
    },
  ]
}

/**
 * @typedef {object} Place
 * @property {{ calls: number }} counter
 * @property {"directory" | "objects"} layout
 * @property {() => any} open a backend over what lies there
 * @property {() => Promise<void>} end
 */

/**
 * @param {Place} place
 * @param {number} count
 * @param {number} rounds
 */
async function costs({ counter, layout, open: openBackend }, count, rounds) {
  const { openCheckpointStore } = await import("../../packages/core/dist/index.js")
  /** Each on a store that was just opened, so that nothing is remembered. @type {Record<string, (store: any) => Promise<unknown>>} */
  const runs = {
    recover: (store) => store.recover(),
    "list the last 20": (store) => store.list({ last: 20 }).toArray(),
    list: async (store) => {
      let seen = 0
      for await (const _ of store.list()) seen++
      if (seen !== count) throw new Error(`${seen} of ${count} were listed`)
    },
    prune: (store) => store.prune({ last: count - pruned }),
    claim: async (store) => (await store.claim()).close(),
  }
  /** @type {Record<string, { ms: number, calls: number }>} */
  const found = {}
  for (const name of operations) {
    const times = []
    let calls = 0
    // A prune and a claim change the store: once each.
    const often = name === "prune" || name === "claim" ? 1 : count >= 100_000 && name === "list" ? 1 : rounds
    for (let round = 0; round < often; round++) {
      const store = await openCheckpointStore({ backend: openBackend(), layout, ownsBackend: true })
      counter.calls = 0
      const from = performance.now()
      await runs[name](store)
      times.push(performance.now() - from)
      calls = counter.calls
      await store.close()
    }
    found[name] = { ms: spread(times).median, calls }
  }
  return found
}

/**
 * @param {any} backend
 * @param {number} count
 */
async function filled(backend, count) {
  const { openCheckpointStore } = await import("../../packages/core/dist/index.js")
  const store = await openCheckpointStore({ backend, layout: "objects" })
  for (let id = 1; id <= count; id++) await store.save(manifestOf(id))
  await store.close()
}

const requests = new Set(["get", "head", "put", "delete", "now"])

/**
 * Counts requests; a listing has one for each page.
 *
 * @param {any} backend
 * @param {{ calls: number }} counter
 */
function counted(backend, counter) {
  return new Proxy(backend, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (name === "list")
        return async function* (/** @type {any[]} */ ...given) {
          let seen = 0
          counter.calls++
          for await (const meta of value.apply(target, given)) {
            if (seen++ > 0 && seen % keysInPage === 1) counter.calls++
            yield meta
          }
        }
      // It stays open: each store closes its own view of it.
      if (name === Symbol.asyncDispose) return async () => {}
      if (typeof value !== "function") return value
      return (/** @type {any[]} */ ...given) => {
        if (requests.has(String(name))) counter.calls++
        return value.apply(target, given)
      }
    },
  })
}

/**
 * Every request, and each page of a listing, takes a while.
 *
 * @param {any} backend
 */
function slow(backend) {
  const wait = () => new Promise((resolve) => setTimeout(resolve, latencyMs))
  return new Proxy(backend, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (name === "list")
        return async function* (/** @type {any[]} */ ...given) {
          let seen = 0
          for await (const meta of value.apply(target, given)) {
            if (seen++ % keysInPage === 0) await wait()
            yield meta
          }
          if (seen === 0) await wait()
        }
      if (!requests.has(String(name))) return value
      return async (/** @type {any[]} */ ...given) => {
        await wait()
        return value.apply(target, given)
      }
    },
  })
}

/** @param {{ calls: number }} counter */
function countedFiles(counter) {
  const calls = { open, mkdir, rename, link, unlink, rmdir, lstat, stat, realpath, readdir }
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name,
      (/** @type {any[]} */ ...given) => {
        counter.calls++
        return /** @type {any} */ (call)(...given)
      },
    ]),
  )
}

/**
 * @param {Growth} growth
 * @returns {import("../lib/table.mjs").Table}
 */
export function growthTable({ storage, call, rows }) {
  return {
    title: `How it grows: ${storage}`,
    columns: ["checkpoints", ...operations.map((name) => `${name}, ms (${call})`)],
    rows: rows.map(({ count, costs: of }) => [
      count.toLocaleString("en"),
      ...operations.map((name) => `${number(of[name].ms)} (${of[name].calls.toLocaleString("en")})`),
    ]),
  }
}
