// A Postgres with a folder of its own, and with the settings of its makers: fsync and synchronous_commit are on. Ends with its starter.
import { execFileSync, spawn } from "node:child_process"
import { chownSync, existsSync, mkdirSync, readdirSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { serve } from "./service.mjs"

export const user = "bench"

/** @type {import("node:child_process").ChildProcess | undefined} */
let running

serve({ start }, async () => {
  if (running === undefined || running.exitCode !== null) return
  const ended = new Promise((resolve) => running?.once("exit", resolve))
  running.kill("SIGINT")
  await ended
})

/**
 * @param {string} folder which every user may enter
 * @returns {Promise<{ port: number, version: string }>}
 */
async function start(folder) {
  const bin = binaries()
  const data = join(folder, "postgres")
  mkdirSync(data)
  const owner = ownerOf(data)
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--no-locale"], {
    ...owner,
    cwd: data,
    stdio: ["ignore", "ignore", "pipe"],
  })
  const port = await freePort()
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories="]
  const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])]
  const server = spawn(join(bin, "postgres"), args, { ...owner, cwd: data, stdio: ["ignore", "ignore", "pipe"] })
  running = server
  await new Promise((resolve, reject) => {
    let log = ""
    server.stderr?.on("data", (piece) => {
      log += piece
      if (log.includes("ready to accept connections")) resolve(undefined)
    })
    server.once("exit", () => reject(new Error(`Postgres ended: ${log.trim().split("\n").at(-1)}`)))
  })
  const version = execFileSync(join(bin, "postgres"), ["--version"], { encoding: "utf8" })
  return { port, version: /[\d.]+/.exec(version)?.[0] ?? "" }
}

/** The newest one that Debian has installed. */
function binaries() {
  const parent = "/usr/lib/postgresql"
  const versions = existsSync(parent) ? readdirSync(parent).sort((a, b) => Number(b) - Number(a)) : []
  const found = versions.map((version) => join(parent, version, "bin")).find((bin) => existsSync(join(bin, "initdb")))
  if (found === undefined) throw new Error("no Postgres here: apt-get install postgresql")
  return found
}

/**
 * Postgres refuses to run as root. Its package has made a user for it.
 *
 * @param {string} data
 */
function ownerOf(data) {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = ["-u", "-g"].map((kind) => Number(execFileSync("id", [kind, "postgres"])))
  chownSync(data, uid, gid)
  return { uid, gid }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })
}
