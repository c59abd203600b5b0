// npm run release: the versions, the changelogs and the publication of all packages together.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { pack } from "./pack.mjs"
import { build, capture, install, manifestOf, packageFolders, publicFolders, root, run } from "./toolchain.mjs"

const usage = `npm run release -- [options]

  --dry-run    shows the versions, changelogs and tarballs of the next release; works in a copy, and changes nothing
  --yes        releases
  --no-build   takes what dist holds
`

const { values: options } = parseArgs({
  options: {
    "dry-run": { type: "boolean", default: false },
    yes: { type: "boolean", default: false },
    "no-build": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
})

const { baseBranch } = JSON.parse(readFileSync(join(root, ".changeset", "config.json"), "utf8"))
const changesets = readdirSync(join(root, ".changeset")).filter((name) => name.endsWith(".md"))

const versions = [
  ["changeset", ["version"]],
  ["git", ["add", "--all"]],
  ["git", ["commit", "--message", "Release"]],
]
// A release that broke off after its commit has no changesets any more, and goes on with what is not published yet.
const steps = [...(changesets.length > 0 ? versions : []), ["changeset", ["publish"]]]

if (options.help) console.log(usage)
else process.exitCode = options["dry-run"] ? ready() || dryRun() : release()

function ready() {
  return options["no-build"] ? 0 : install() || build()
}

/** What `changeset version` and packing make of a copy of the repository. */
function dryRun() {
  const folder = mkdtempSync(join(tmpdir(), "ckpt-release-"))
  const copy = join(folder, "copy")
  const tarballs = join(folder, "tarballs")
  try {
    copyTo(copy)
    mkdirSync(tarballs)
    const { code, output } = capture("changeset", ["version"], { cwd: copy, env: historyFor(copy) })
    if (code !== 0) {
      console.error(output)
      return code
    }
    for (const path of publicFolders()) console.log(describe(path, join(copy, path), tarballs))
    console.log(`npm run release -- --yes would then run:\n${shown(steps)}`)
    return 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Copies what versions and tarballs are made of. */
function copyTo(copy) {
  const parts = ["package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml", ".pnpmfile.mjs", "LICENSE", ".changeset"]
  const manifests = packageFolders("packages", "examples").map((folder) => join(folder, "package.json"))
  const published = publicFolders().flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => !["build", "test", ".turbo"].includes(name))
      .map((name) => join(folder, name)),
  )
  for (const path of [...parts, ...manifests, ...published]) {
    // The packages' links to each other are relative, so the links of the copy lead into the copy. Tests keep their variants of
    // packages beside these links, and remove them at any moment.
    const filter = (source) => !source.endsWith("/node_modules/.variants")
    cpSync(join(root, path), join(copy, path), { recursive: true, verbatimSymlinks: true, filter })
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
}

/** The changelogs name the commits of the changesets. In a shallow clone changesets would fetch the others. */
function historyFor(copy) {
  const { code, output } = capture("git", ["rev-parse", "--is-shallow-repository", "--absolute-git-dir"])
  const [isShallow, gitFolder] = output.trim().split("\n")
  const isWhole = code === 0 && isShallow === "false"
  return { GIT_DIR: isWhole ? gitFolder : join(copy, ".git"), GIT_WORK_TREE: copy }
}

function describe(path, copy, tarballs) {
  const { name, version } = manifestOf(copy)
  const tarball = pack(copy, tarballs)
  const unpacked = tarball.files.reduce((sum, { bytes }) => sum + bytes, 0)
  const files = tarball.files
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path: file, bytes }) => `${String(bytes).padStart(9)}  ${file}`)
  return [
    `=== ${name} ${manifestOf(join(root, path)).version} → ${version}`,
    "",
    `${tarball.name}: ${tarball.bytes} bytes, unpacked ${unpacked} bytes in ${files.length} files`,
    ...files,
    "",
    changesOf(copy, version),
    "",
  ].join("\n")
}

/** The section of a version in a changelog. */
function changesOf(folder, version) {
  const path = join(folder, "CHANGELOG.md")
  const sections = existsSync(path) ? readFileSync(path, "utf8").split(/^(?=## )/m) : []
  return sections.find((section) => section.startsWith(`## ${version}\n`))?.trim() ?? "No changes."
}

function release() {
  const missing = whatIsMissing()
  if (missing.length > 0) {
    console.error(`Nothing was released. A release needs:\n${missing.map((line) => `  ${line}`).join("\n")}`)
    console.error(`It would run all tests, and then:\n${shown(steps)}`)
    return 1
  }
  const tested = run(process.execPath, ["scripts/test.mjs"], { env: { CI: "true" } })
  if (tested !== 0) return tested
  for (const [command, args] of steps) {
    const code = run(command, args)
    if (code !== 0) return code
  }
  console.log("Released. Now: git push --follow-tags")
  return 0
}

function whatIsMissing() {
  const text = (...args) => capture("git", args).output.trim()
  const missing = []
  if (!options.yes) missing.push("--yes. See what comes of it first: npm run release -- --dry-run")
  if (text("rev-parse", "--abbrev-ref", "HEAD") !== baseBranch) missing.push(`the branch ${baseBranch}`)
  if (text("status", "--porcelain") !== "") missing.push("a tree without changes: commit or remove them")
  if (changesets.length === 0 && publicFolders().every((path) => manifestOf(join(root, path)).version === "0.0.0"))
    missing.push("a changeset: npm run changeset")
  // The registry is asked last, and only if nothing else is missing.
  if (missing.length === 0 && capture("npm", ["whoami"]).code !== 0) missing.push("a login to the registry: npm login")
  return missing
}

function shown(commands) {
  return commands.map(([command, args]) => `  ${[command, ...args].join(" ")}`).join("\n")
}
