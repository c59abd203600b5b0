import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { CheckpointError } from "../errors.js"

/** The library of a cloud, which the user installs beside the storage package. */
export interface SdkPackage<Sdk> {
  /** Its name in the registry. */
  readonly name: string
  /** The lowest version that the storage package works with: "3.729.0". */
  readonly lowest: string
  /** `import.meta.url` of the storage package: the library is looked for from there. */
  readonly from: string
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

async function load<Sdk>({ name, lowest, from, load }: SdkPackage<Sdk>): Promise<Sdk> {
  const found = versionOf(name, from)
  if (found !== undefined && isBelow(found, lowest)) {
    const message = `${name} ${found} is too old; ${lowest} or newer is needed. Install it: npm install ${name}@latest`
    throw new CheckpointError("CKPT_UNSUPPORTED", message)
  }
  try {
    return await load()
  } catch (cause) {
    const { code, message = "" } = cause as { code?: unknown; message?: string }
    if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes(name)) throw cause
    throw new CheckpointError("CKPT_INVALID", `${name} is not installed. Install it: npm install ${name}`, { cause })
  }
}

/** The version that is installed; `undefined` if that cannot be told, as in a bundle. */
function versionOf(name: string, from: string): string | undefined {
  try {
    // Not every package exports its package.json, so it is looked for above the file that is loaded.
    for (let path = createRequire(from).resolve(name); dirname(path) !== path; path = dirname(path)) {
      const manifest = readPackage(join(dirname(path), "package.json"))
      if (manifest?.name === name) return manifest.version
    }
  } catch {}
  return undefined
}

function readPackage(path: string): { readonly name?: string; readonly version?: string } | undefined {
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
