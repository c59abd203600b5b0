import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { contenders } from "./all.mjs"

const child = fileURLToPath(new URL("sync-child.mjs", import.meta.url))
const syncCalls = "fsync,fdatasync,sync_file_range,msync,sync,syncfs"
const writeCalls = "write,writev,pwrite64,pwritev,pwritev2"
const saves = 8

/**
 * How many synchronisations one save waits for, as the kernel sees them: calls of fsync and its kin, and writes to a
 * file that was opened with O_DSYNC or O_SYNC (lmdb's meta page).
 *
 * @param {string} name of a contender
 * @param {number} size bytes of state
 * @param {import("../lib/disk.mjs").Workplace} workplace
 * @returns {Promise<number | undefined>} undefined without strace
 */
async function countSyncs(name, size, workplace) {
  const folder = await workplace.fresh()
  const log = join(await workplace.fresh(), "strace.log")
  const flags = [
    "-f",
    "--seccomp-bpf",
    "-y",
    "-s",
    "0",
    "-o",
    log,
    "-e",
    `trace=${syncCalls},${writeCalls},openat,close,dup`,
  ]
  const traced = spawn("strace", [...flags, process.execPath, child, name, folder, `${size}`, `${saves}`], {
    stdio: ["ignore", "inherit", "pipe"],
  })
  let said = ""
  traced.stderr.on("data", (chunk) => {
    said += chunk
  })
  try {
    const [code] = await once(traced, "close")
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${said.trim().split("\n").at(-1)}`)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return undefined
    throw error
  }
  return perSave(await readFile(log, "latin1"))
}

/** @param {string} text what strace wrote */
function perSave(text) {
  /** @type {Map<string, string>} thread, and the beginning of its call */
  const begun = new Map()
  const synchronous = new Set()
  let marks = 0
  let count = 0
  for (const line of text.split("\n")) {
    const [, thread = "", rest = ""] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    if (rest.endsWith("<unfinished ...>")) {
      begun.set(thread, rest.slice(0, -"<unfinished ...>".length))
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1]
    const call = resumed === undefined ? rest : `${begun.get(thread) ?? ""}${resumed}`
    const [, name = "", first = ""] = /^(\w+)\(([^,)<]*)/.exec(call) ?? []
    if (call.includes("/sync-mark>") && name === "fsync") marks++
    else if (name === "openat") {
      const [, fd] = /= (\d+)</.exec(call) ?? []
      if (fd !== undefined && /O_D?SYNC/.test(call)) synchronous.add(fd)
    } else if (name === "close") synchronous.delete(first)
    else if (marks === 1 && (syncCalls.split(",").includes(name) || synchronous.has(first))) count++
  }
  if (marks !== 2) throw new Error(`${marks} marks in the trace, not 2`)
  return count / saves
}

/**
 * Counts for every contender, once for each size.
 *
 * @param {import("../lib/disk.mjs").Workplace} workplace
 * @param {Record<string, string>} versions
 * @param {string[]} leftOut
 * @returns {(size: number) => Promise<Record<string, string>>}
 */
export function syncCounter(workplace, versions, leftOut) {
  /** @type {Map<number, Record<string, string>>} */
  const known = new Map()
  return async (size) => {
    const before = known.get(size)
    if (before !== undefined) return before
    /** @type {Record<string, string>} */
    const counts = {}
    for (const { name, package: of, maxBytes } of contenders) {
      if (versions[of] === undefined || maxBytes < size) continue
      const count = await countSyncs(name, size, workplace)
      if (count === undefined) {
        leftOut.push("syncs per save: strace is not installed")
        break
      }
      counts[name] = `${count}`
    }
    known.set(size, counts)
    return counts
  }
}
