import { execFile } from "node:child_process"
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { publicPackages, repository } from "./public-packages.js"
import { tarOf } from "./tar-of.js"

const run = promisify(execFile)

/** Every public package as it would be published, packed by the pnpm that publishes it. To be removed by `dispose`. */
export interface Packed {
  /** The path of a package's tarball. */
  path(name: string): string
  /** The text of a file inside it. */
  file(name: string, path: string): Promise<string>
  /** The names of the files inside it. */
  files(name: string): Promise<string[]>
  /**
   * What our packages need from others where they are installed, and all that it brings, by name: the path of a tarball, so that no
   * registry is asked. The SDKs of the clouds are not there.
   */
  readonly others: Readonly<Record<string, string>>
  /** Packs TypeScript 5.6, which Yarn teaches to find packages. Returns the path of the tarball. */
  typescript(): Promise<string>
  dispose(): Promise<void>
}

const needed = [
  "node_modules/@types/node",
  "packages/conformance/node_modules/fast-check",
  "packages/langgraph/node_modules/@langchain/core",
  "packages/langgraph/node_modules/@langchain/langgraph-checkpoint",
]

export async function pack(): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), "ckpt-packed-"))
  const filters = publicPackages.flatMap(({ name }) => ["--filter", name])
  const packing = [...filters, "exec", "pnpm", "pack", "--pack-destination", folder]
  await run(process.execPath, [join(repository, "scripts/pnpm.mjs"), ...packing], { cwd: repository })
  const path = (name: string) => {
    const version = publicPackages.find((one) => one.name === name)?.manifest.version
    return join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`)
  }
  /** Packs a package of others as it was published. */
  async function packOther(name: string, from: string): Promise<string> {
    const tarball = join(folder, `${name.replace("/", "-")}.tgz`)
    await run("tar", tarOf(from, tarball))
    return tarball
  }
  const others: Record<string, string> = {}
  async function addOther(link: string): Promise<void> {
    const place = await realpath(link)
    const { name, dependencies = {} } = JSON.parse(await readFile(join(place, "package.json"), "utf8"))
    if (others[name] !== undefined) return
    others[name] = await packOther(name, place)
    // pnpm has laid a link to what a package brings beside the package.
    const beside = place.slice(0, -name.length)
    for (const dependency of Object.keys(dependencies)) await addOther(join(beside, dependency))
  }
  for (const link of needed) await addOther(join(repository, link))
  return {
    others,
    typescript: () => packOther("typescript", join(repository, "packages/published/node_modules/typescript-lowest")),
    path,
    file: async (name, file) => (await run("tar", ["xzOf", path(name), `package/${file}`])).stdout,
    files: async (name) =>
      (await run("tar", ["tzf", path(name)])).stdout
        .trim()
        .split("\n")
        .map((file) => file.replace(/^package\//, "")),
    dispose: () => rm(folder, { recursive: true, force: true }),
  }
}
