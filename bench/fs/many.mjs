import { execFile } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { manifestOf } from "../lib/content.mjs"
import { race } from "../lib/race.mjs"
import { SequentialPort } from "./sequential-port.mjs"

const run = promisify(execFile)

/**
 * `list` and `prune` over many checkpoints. The checkpoints are made once, and copied for each prune.
 *
 * @param {{ count: number, rounds: number, budgetMs: number }} what
 * @param {import("../lib/disk.mjs").Workplace} workplace
 */
export async function manyRaces({ count, rounds, budgetMs }, workplace) {
  const { openFsStore } = await import("../../packages/fs/dist/index.js")
  const seed = await workplace.fresh()
  await fill(seed, count)
  const keep = count / 10
  const options = { rounds, budgetMs, warmup: count > 1000 ? 0 : 1 }

  const store = await openFsStore(seed)
  const port = new SequentialPort(seed)
  const lists = [
    { name: "ckpt", note: "every manifest checked", run: () => listed(store, count) },
    { name: "sequential port", note: "one manifest after the other", run: () => port.list() },
  ]
  const list = await race({ id: `fs-list-${count}`, title: `fs: list of ${count}`, subjects: lists }, options)
  await store.close()

  /** @type {Map<string, string>} */
  const copies = new Map()
  /** @param {string} name */
  const copy = async (name) => {
    const folder = await workplace.fresh()
    await run("cp", ["-a", `${seed}/.`, folder])
    await workplace.settle()
    copies.set(name, folder)
  }
  /** @param {string} name */
  const drop = (name) => rm(copies.get(name) ?? "", { recursive: true, force: true })
  /** @param {import("../../packages/core/dist/index.js").CheckpointStore} pruned */
  const pruneTo = async (pruned) => {
    const report = await pruned.prune({ last: keep })
    if (report.failures.length > 0) throw new Error(`${report.failures.length} could not be removed`)
  }
  /** @type {import("../../packages/core/dist/index.js").CheckpointStore} */
  let warm
  const prunes = [
    {
      name: "ckpt",
      note: "the first prune of a process: it reads each manifest, since a newer version's must stay",
      before: () => copy("ckpt"),
      run: async () => {
        const pruned = await openFsStore(copies.get("ckpt") ?? "")
        await pruneTo(pruned)
        await pruned.close()
      },
      after: () => drop("ckpt"),
    },
    {
      name: "ckpt, later",
      note: "in a process that has looked at them before, as one that retains after each save has",
      before: async () => {
        await copy("ckpt, later")
        warm = await openFsStore(copies.get("ckpt, later") ?? "")
        await warm.prune({ last: count })
      },
      run: () => pruneTo(warm),
      after: async () => {
        await warm.close()
        await drop("ckpt, later")
      },
    },
    {
      name: "sequential port",
      note: "by name alone; the valid one may be among those that go",
      before: () => copy("sequential port"),
      run: () => new SequentialPort(copies.get("sequential port") ?? "").prune(keep),
      after: () => drop("sequential port"),
    },
  ]
  const prune = await race(
    { id: `fs-prune-${count}`, title: `fs: prune of ${count}, ${keep} stay`, subjects: prunes },
    { ...options, rounds: count > 1000 ? Math.min(rounds, 2) : rounds },
  )
  await rm(seed, { recursive: true })
  return [list, prune]
}

/**
 * @param {import("../../packages/core/dist/index.js").CheckpointStore} store
 * @param {number} count
 */
async function listed(store, count) {
  let seen = 0
  for await (const _ of store.list()) seen++
  if (seen !== count) throw new Error(`${seen} of ${count} were listed`)
}

/**
 * Writes the files of many checkpoints as fast as the page cache takes them. A store in memory with the same layout
 * gives their content.
 *
 * @param {string} folder
 * @param {number} count
 */
export async function fill(folder, count) {
  const { MemoryBackend, openCheckpointStore } = await import("../../packages/memory/dist/index.js")
  const backend = new MemoryBackend()
  const store = await openCheckpointStore({ backend, layout: "directory" })
  for (let id = 1; id <= count; id++) await store.save(manifestOf(id))
  await store.close()
  for await (const { key } of backend.list("")) {
    const path = join(folder, key)
    mkdirSync(dirname(path), { recursive: true })
    const content = await backend.get(key)
    const chunks = []
    for await (const chunk of content?.body ?? []) chunks.push(chunk)
    writeFileSync(path, Buffer.concat(chunks))
  }
}
