import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { CheckpointError } from "../errors.js"

/** The library of a cloud, which the user installs beside the storage package. */
export interface SdkPackage<Sdk> {
  /** Its name in the registry. */
  readonly name: string
  /**
   * `import.meta.url` of the storage package. The library is looked for from there. The lowest version that will do is the first
   * one in the `peerDependencies` of the storage package: 3.729.0 of "^3.729.0".
   */
  readonly from: string
  /** Imports the library. */
  readonly load: () => Promise<Sdk>
}

/**
 * A function that loads the library with its first call, so that a program pays for it only once a store is opened.
 *
 * @throws {CheckpointError} `CKPT_INVALID` if it is not installed, `CKPT_UNSUPPORTED` if it is too old
 */
export function lazySdk<Sdk>(sdk: SdkPackage<Sdk>): () => Promise<Sdk> {
  let loading: Promise<Sdk> | undefined
  return () => {
    loading ??= load(sdk).catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
}

async function load<Sdk>({ name, from, load }: SdkPackage<Sdk>): Promise<Sdk> {
  const found = versionOf(name, from)
  const lowest = lowestOf(name, from)
  if (found !== undefined && lowest !== undefined && isBelow(found, lowest)) {
    const message = `${name} ${found} is too old; ${lowest} or newer is needed. Install it: npm install ${name}@latest`
    throw new CheckpointError("CKPT_UNSUPPORTED", message)
  }
  try {
    return await load()
  } catch (cause) {
    if (!isMissing(name, cause)) throw cause
    throw new CheckpointError("CKPT_INVALID", `${name} is not installed. Install it: npm install ${name}`, { cause })
  }
}

/** Whether the library itself was not found, and not one of its dependencies. In the words of Node, and of Yarn's Plug'n'Play. */
function isMissing(name: string, error: unknown): boolean {
  const { code, message = "" } = error as { code?: unknown; message?: string }
  if (code === "ERR_MODULE_NOT_FOUND") return message.includes(`package '${name}'`)
  return code === "MODULE_NOT_FOUND" && message.includes(`tried to access ${name} `)
}

/** The version that is installed; `undefined` if that cannot be told, as in a bundle. */
function versionOf(name: string, from: string): string | undefined {
  try {
    // Not every package exports its package.json, so it is looked for above the file that is loaded.
    return packageAbove(createRequire(from).resolve(name), (manifest) => manifest.name === name)?.version
  } catch {
    return undefined
  }
}

/** The lowest version that the storage package takes; `undefined` if that cannot be told, as in a bundle. */
function lowestOf(name: string, from: string): string | undefined {
  const rangeOf = ({ peerDependencies }: Manifest) => peerDependencies?.[name]
  try {
    const manifest = packageAbove(fileURLToPath(from), (found) => rangeOf(found) !== undefined)
    return /\d+\.\d+\.\d+/.exec((manifest && rangeOf(manifest)) ?? "")?.[0]
  } catch {
    return undefined
  }
}

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The first package.json above a file that fits. */
function packageAbove(file: string, fits: (manifest: Manifest) => boolean): Manifest | undefined {
  for (let path = file; dirname(path) !== path; path = dirname(path)) {
    const manifest = readPackage(join(dirname(path), "package.json"))
    if (manifest !== undefined && fits(manifest)) return manifest
  }
  return undefined
}

function readPackage(path: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch {
    return undefined
  }
}

function isBelow(version: string, lowest: string): boolean {
  const [a, b] = [version, lowest].map((text) => text.split(/[.+-]/, 3).map(Number)) as [number[], number[]]
  for (const [index, part] of b.entries()) {
    const given = a[index] ?? 0
    if (given !== part) return given < part
  }
  return false
}
