// Tarballs as they are published, packed by the pnpm that publishes them.
import { statSync } from "node:fs"
import { join } from "node:path"
import { capture, manifestOf } from "./toolchain.mjs"

/**
 * Packs a package.
 *
 * @param {string} folder of the package
 * @param {string} destination folder of the tarball
 * @returns {{ name: string, bytes: number, files: { path: string, bytes: number }[] }} the tarball's name and size, and what is in it
 */
export function pack(folder, destination) {
  const { name: packageName, version } = manifestOf(folder)
  read("pnpm", ["pack", "--pack-destination", destination], folder)
  const name = `${packageName.replace("@", "").replace("/", "-")}-${version}.tgz`
  const files = read("tar", ["tvzf", name], destination)
    .trim()
    .split("\n")
    .map((line) => {
      // -rw-r--r-- 0/0     1234 1985-10-26 08:15 package/dist/index.js
      const [, , bytes, , , ...path] = line.split(/\s+/)
      return { path: path.join(" ").replace(/^package\//, ""), bytes: Number(bytes) }
    })
  return { name, bytes: statSync(join(destination, name)).size, files }
}

function read(command, args, cwd) {
  const { code, output } = capture(command, args, { cwd })
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} in ${cwd}: ${output}`)
  return output
}
