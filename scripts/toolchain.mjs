// The steps before every command of this repository: bring pnpm through npm, install dependencies, build packages.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const [, pnpmVersion] = manifestOf(root).packageManager.split("@")
const pnpmHome = join(root, ".tools", `pnpm-${pnpmVersion}`)
const pnpmBin = join(pnpmHome, "node_modules", ".bin")
const installStamp = join(root, "node_modules", ".installed-from")

/** Runs a program with this Node, pnpm and the workspace's tools first on PATH. Returns its exit code. */
export function run(command, args, options) {
  return spawn(command, args, { ...options, stdio: "inherit" }).code
}

/** Runs a program in the same way, but returns its output instead of showing it. */
export function capture(command, args, options) {
  return spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] })
}

function spawn(command, args, { cwd = root, env = {}, stdio }) {
  const path = [dirname(process.execPath), pnpmBin, join(root, "node_modules", ".bin"), process.env.PATH]
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    stdio,
    encoding: "utf8",
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", ...env, PATH: path.join(delimiter) },
  })
  if (error) console.error(`${command}: ${error.message}`)
  else if (signal) console.error(`${command} was ended by ${signal}`)
  return { code: status ?? 1, output: `${stdout ?? ""}${stderr ?? ""}` }
}

/** Installs the dependencies of the lockfile, unless the last install has. Returns an exit code. */
export function install() {
  const workspace = [".", ...packageFolders("packages", "examples")]
  const wanted = manifestsHash(workspace)
  const complete = workspace.every((folder) => existsSync(join(root, folder, "node_modules")))
  if (complete && existsSync(installStamp) && readFileSync(installStamp, "utf8") === wanted) return 0
  const code = bringPnpm() || run("pnpm", ["install", "--frozen-lockfile"], { env: { CI: "true" } })
  if (code === 0) writeFileSync(installStamp, wanted)
  else console.error("Installing failed. After a change of dependencies: npm run pnpm -- install --no-frozen-lockfile")
  return code
}

export function build() {
  return run("turbo", ["run", "build", "--output-logs=errors-only"])
}

/** Writes the API reference from the comments, then the site. Warnings and dead links are errors. */
export function docs() {
  const cwd = join(root, "packages/site")
  const bin = (name) => join(cwd, "node_modules/.bin", name)
  return run(bin("typedoc"), [], { cwd }) || run(bin("vitepress"), ["build"], { cwd })
}

/** The folders of the workspace that hold a package. */
export function packageFolders(...parents) {
  return parents.flatMap((parent) =>
    readdirSync(join(root, parent))
      .map((name) => join(parent, name))
      .filter((folder) => existsSync(join(root, folder, "package.json"))),
  )
}

/** The folders of the packages that are published. */
export function publicFolders() {
  return packageFolders("packages").filter((folder) => manifestOf(join(root, folder)).private !== true)
}

/** The `package.json` of a folder. */
export function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
}

/** Puts the pinned pnpm into .tools, either as a whole or not at all. Returns an exit code. */
export function bringPnpm() {
  if (existsSync(pnpmHome)) return 0
  mkdirSync(dirname(pnpmHome), { recursive: true })
  const staging = mkdtempSync(`${pnpmHome}-`)
  const quiet = ["--no-audit", "--no-fund", "--no-save", "--loglevel=error"]
  const code = run("npm", ["install", "--prefix", staging, ...quiet, `pnpm@${pnpmVersion}`], { cwd: staging })
  try {
    if (code === 0) renameSync(staging, pnpmHome)
  } catch (error) {
    if (!existsSync(pnpmHome)) throw error // otherwise another run was faster, and its copy serves as well
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
  return code
}

function manifestsHash(workspace) {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`)
  const files = ["pnpm-lock.yaml", "pnpm-workspace.yaml", ...workspace.map((folder) => join(folder, "package.json"))]
  for (const file of files) {
    hash.update(`${file}\n`)
    if (existsSync(join(root, file))) hash.update(readFileSync(join(root, file)))
  }
  return hash.digest("hex")
}
