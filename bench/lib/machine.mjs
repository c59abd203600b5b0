import { execFileSync } from "node:child_process"
import { cpus, loadavg, release, totalmem, type } from "node:os"
import { GiB } from "./content.mjs"

/** The machine and the versions, without which a figure means nothing. */
export function machine() {
  return {
    date: new Date().toISOString(),
    commit: text("git", ["rev-parse", "--short", "HEAD"]),
    changed: text("git", ["status", "--porcelain", "--", "packages"]) !== "",
    node: process.version,
    openssl: process.versions.openssl,
    system: `${type()} ${release()}`,
    cpu: `${cpus().length} × ${cpus()[0]?.model.trim()}`,
    memory: `${Math.round(totalmem() / GiB)} GiB`,
    load: loadavg().map((load) => Math.round(load * 10) / 10),
  }
}

/**
 * The kind of file system that a folder is on.
 *
 * @param {string} folder
 */
export function fileSystemOf(folder) {
  return text("findmnt", ["-n", "-o", "FSTYPE", "-T", folder]) || text("stat", ["-f", "-c", "%T", folder])
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function text(command, args) {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()
  } catch {
    return ""
  }
}
