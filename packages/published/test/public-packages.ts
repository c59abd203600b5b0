import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const repository = fileURLToPath(new URL("../../../", import.meta.url))

export interface Entry {
  /** As a user imports it: "@ckpt/core/adapter". */
  readonly name: string
  /** The path of its types. */
  readonly types: string
  /** The folder of all types of its package. */
  readonly folder: string
}

export interface PublicPackage {
  readonly name: string
  readonly folder: string
  readonly manifest: Manifest
  readonly entries: readonly Entry[]
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly [field: string]: unknown
}

/** Every package of the repository that is published. */
export const publicPackages: readonly PublicPackage[] = readdirSync(join(repository, "packages"))
  .map((name) => join(repository, "packages", name))
  .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest }))
  .filter(({ manifest }) => manifest.private !== true)
  .map(({ folder, manifest }) => ({
    name: manifest.name,
    folder,
    manifest,
    entries: Object.entries(manifest.exports).flatMap(([path, target]) =>
      typeof target === "string"
        ? []
        : [{ name: join(manifest.name, path), types: join(folder, target.types), folder: join(folder, "dist") }],
    ),
  }))

/** Those that are imported. A command is none. */
export const libraries = publicPackages.filter(({ entries }) => entries.length > 0)
