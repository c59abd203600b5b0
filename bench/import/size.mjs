import { existsSync, readdirSync, realpathSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { pack } from "../../scripts/pack.mjs"
import { manifestOf, publicFolders, root } from "../../scripts/toolchain.mjs"

/**
 * The bytes of the files that an install of each public package writes: of the package alone, and of the package with all that its
 * `dependencies` bring.
 *
 * @param {string} destination an empty folder for the tarballs
 * @returns {Record<string, { alone: number, whole: number }>} by name
 */
export function installSizes(destination) {
  const ours = new Map(
    publicFolders().map((path) => {
      const folder = join(root, path)
      const bytes = pack(folder, destination).files.reduce((sum, file) => sum + file.bytes, 0)
      return [realpathSync(folder), { name: manifestOf(folder).name, bytes }]
    }),
  )
  return Object.fromEntries(
    [...ours].map(([folder, { name, bytes }]) => {
      const sizes = [...closure(folder)].map((one) => ours.get(one)?.bytes ?? sizeOf(one))
      return [name, { alone: bytes, whole: sizes.reduce((sum, size) => sum + size, 0) }]
    }),
  )
}

/**
 * The folder of a package, and those of all packages that it brings.
 *
 * @param {string} folder
 * @param {Set<string>} found
 */
function closure(folder, found = new Set()) {
  if (found.has(folder)) return found
  found.add(folder)
  for (const name of Object.keys(manifestOf(folder).dependencies ?? {})) closure(find(name, folder), found)
  return found
}

/**
 * Where Node finds a package, from a folder.
 *
 * @param {string} name
 * @param {string} folder
 * @returns {string}
 */
function find(name, folder) {
  const path = join(folder, "node_modules", name)
  if (existsSync(path)) return realpathSync(path)
  if (dirname(folder) === folder) throw new Error(`${name} is not installed`)
  return find(name, dirname(folder))
}

/** @param {string} folder of a package of others */
function sizeOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.slice(folder.length).includes("node_modules"))
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}
