import { execFile } from "node:child_process"
import { mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { publicPackages, repository } from "./public-packages.js"

const run = promisify(execFile)

/** Every public package as it would be published, packed by the pnpm that publishes it. To be removed by `dispose`. */
export interface Packed {
  /** The path of a package's tarball. */
  path(name: string): string
  /** The text of a file inside it. */
  file(name: string, path: string): Promise<string>
  /** The names of the files inside it. */
  files(name: string): Promise<string[]>
  /** What @ckpt/conformance brings from others, by name: the path of a tarball, so that no registry is asked. */
  readonly others: Readonly<Record<string, string>>
  dispose(): Promise<void>
}

export async function pack(): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), "ckpt-packed-"))
  const filters = publicPackages.flatMap(({ name }) => ["--filter", name])
  const packing = [...filters, "exec", "pnpm", "pack", "--pack-destination", folder]
  await run(process.execPath, [join(repository, "scripts/pnpm.mjs"), ...packing], { cwd: repository })
  const path = (name: string) => {
    const version = publicPackages.find((one) => one.name === name)?.manifest.version
    return join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`)
  }
  const random = await realpath(join(repository, "packages/conformance/node_modules/fast-check"))
  const others: Record<string, string> = {}
  for (const name of ["fast-check", "pure-rand"]) {
    others[name] = join(folder, `${name}.tgz`)
    // As published; pnpm has laid a link to each beside the other.
    await run("tar", ["czhf", others[name], "-C", dirname(random), `--transform=s,^${name},package,`, name])
  }
  return {
    others,
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
