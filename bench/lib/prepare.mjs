import { createHash } from "node:crypto"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { bringPnpm, build, install, root, run } from "../../scripts/toolchain.mjs"

const folder = join(root, "bench")
const stamp = join(folder, "node_modules", ".installed-from")

/**
 * Builds the workspace, and installs the peers that it is compared with into a folder of their own.
 *
 * @param {boolean} withBuild
 */
export function prepare(withBuild) {
  if (withBuild && (install() !== 0 || build() !== 0)) throw new Error("the workspace does not build")
  if (!existsSync(join(root, "packages", "fs", "dist", "index.js"))) throw new Error("nothing is built: npm run build")
  if (installPeers() !== 0) console.error("bench: not all peers could be installed; the tables say which are missing")
}

/** Returns an exit code. Peers that must be compiled are optional: without a compiler only the others are installed. */
function installPeers() {
  const wanted = createHash("sha256").update(process.version)
  for (const file of ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"])
    wanted.update(readFileSync(join(folder, file)))
  const hash = wanted.digest("hex")
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return 0
  // Peers that were compiled for another Node must be compiled again.
  if (existsSync(stamp)) rmSync(join(folder, "node_modules"), { recursive: true })
  // If this Node came with its headers, compiling needs no download.
  const prefix = dirname(dirname(process.execPath))
  const headers = existsSync(join(prefix, "include", "node", "node.h")) ? { npm_config_nodedir: prefix } : {}
  const env = { CI: "true", ...headers }
  console.log("bench: installing what the stores are compared with; compiling takes minutes, once")
  // A root of its own (bench/pnpm-workspace.yaml): the workspace's lockfile and install stay as they are.
  const args = ["install", "--frozen-lockfile", "--reporter=append-only", "--loglevel=error"]
  const code = bringPnpm() || run("pnpm", args, { cwd: folder, env })
  if (code === 0) writeFileSync(stamp, hash)
  return code
}

/**
 * The version of a package that was installed; undefined if it is not there.
 *
 * @param {string} name
 * @returns {string | undefined}
 */
export function installedVersion(name) {
  try {
    return JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")).version
  } catch {
    return undefined
  }
}
