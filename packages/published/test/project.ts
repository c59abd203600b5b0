import { execFile } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import type { Packed } from "./packed.js"
import { libraries, repository } from "./public-packages.js"

const run = promisify(execFile)
const yarn = createRequire(import.meta.url).resolve("@yarnpkg/cli-dist/bin/yarn.js")

/** How a package manager installs tarballs, asking no registry, and how a program is started in its project. */
interface Manager {
  /** Files of a project, by name, beside its `package.json`. */
  files(folder: string, tarballs: Readonly<Record<string, string>>): Readonly<Record<string, string>>
  /** Fields of its `package.json`. */
  fields?(tarballs: Readonly<Record<string, string>>): object
  readonly install: (folder: string) => readonly [command: string, ...args: string[]]
  readonly start: readonly string[]
}

const managers = {
  npm: {
    files: () => ({}),
    // The SDKs are peers. npm would fetch them.
    install: (folder) => ["npm", "install", "--offline", "--legacy-peer-deps", "--cache", join(folder, ".cache")],
    start: [],
  },
  pnpm: {
    files: (folder, overrides) => ({
      "pnpm-workspace.yaml": JSON.stringify({ overrides, autoInstallPeers: false, storeDir: join(folder, ".store") }),
    }),
    install: (folder) => [process.execPath, join(repository, "scripts/pnpm.mjs"), "-C", folder, "install", "--offline"],
    start: [],
  },
  yarn: {
    files: (folder) => ({
      "yarn.lock": "",
      ".yarnrc.yml": [
        "nodeLinker: pnp",
        "enableNetwork: false",
        "enableTelemetry: false",
        "enableGlobalCache: false",
        "enableImmutableInstalls: false",
        `globalFolder: ${join(folder, ".yarn-global")}`,
      ].join("\n"),
    }),
    fields: (resolutions) => ({ resolutions }),
    install: () => [process.execPath, yarn, "install"],
    start: [yarn, "node"],
  },
} satisfies Record<string, Manager>

export type ManagerName = keyof typeof managers
export const managerNames = Object.keys(managers) as ManagerName[]

/** A folder in which every public package is installed from its tarball, and nothing else. To be removed by `dispose`. */
export interface Project {
  readonly folder: string
  /** Runs a program there. Returns what it printed. */
  run(node: string, file: string, program: string): Promise<string>
  dispose(): Promise<void>
}

export async function install(packed: Packed, name: ManagerName): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), `ckpt-${name}-`))
  const manager: Manager = managers[name]
  const tarballs = [...libraries.map((one) => [one.name, packed.path(one.name)]), ...Object.entries(packed.others)]
  const dependencies = Object.fromEntries(tarballs.map(([package_, path]) => [package_, `file:${path}`]))
  const manifest = { name: "project", private: true, dependencies, ...manager.fields?.(dependencies) }
  const files = { "package.json": JSON.stringify(manifest), ...manager.files(folder, dependencies) }
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
  // The test runner's settings are none of the project's. With its NODE_PATH, packages of the workspace would be found.
  const own = /^(npm_|NODE_OPTIONS$|NODE_PATH$)/i
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !own.test(key)))
  const [command, ...args] = manager.install(folder)
  await run(command, args, { cwd: folder, env })
  return {
    folder,
    run: async (node, file, program) => {
      await writeFile(join(folder, file), program)
      return (await run(node, [...manager.start, file], { cwd: folder, env })).stdout
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  }
}
