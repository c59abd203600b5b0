import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import type { CheckpointStore } from "@ckpt/core"
import type { Cloud } from "./cloud.js"

/** A storage package as a user has it: installed beside one version of its SDK. */
export interface BesideSdk extends AsyncDisposable {
  /** The version of the SDK. */
  readonly version: string
  /** Opens a store with that SDK. */
  open(options: object): Promise<CheckpointStore>
}

const installed = join(import.meta.dirname, "../../node_modules")
const openNames = { s3: "openS3Store", azure: "openAzureStore", gcs: "openGcsStore" }

/**
 * @param sdk the SDK's name in the registry
 * @param folder the name under which this package has the version
 */
export async function besideSdk(cloud: Cloud["name"], sdk: string, folder: string): Promise<BesideSdk> {
  const root = await mkdtemp(join(tmpdir(), "ckpt-sdk-"))
  const modules = join(root, "node_modules")
  const own = join(modules, "@ckpt", cloud)
  // A copy, since a link would lead to the SDK of the repository.
  for (const file of ["package.json", "dist"]) {
    await cp(join(await realpath(join(installed, "@ckpt", cloud)), file), join(own, file), { recursive: true })
  }
  await mkdir(dirname(join(modules, sdk)), { recursive: true })
  await symlink(await realpath(join(installed, folder)), join(modules, sdk))
  await symlink(await realpath(join(installed, "@ckpt/core")), join(modules, "@ckpt/core"))
  const { version } = JSON.parse(await readFile(join(modules, sdk, "package.json"), "utf8"))
  const { [openNames[cloud]]: open } = await import(pathToFileURL(join(own, "dist/index.js")).href)
  return { version, open, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) }
}
