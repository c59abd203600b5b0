import { createRequire } from "node:module"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { CheckpointError, type ObjectBackend } from "@ckpt/core"
import { show } from "@ckpt/core/adapter"
import type { Connected, ConnectOptions } from "./connect.js"
import { invalid, type StoreUrl } from "./url.js"

/** The default export of a module that `--backend` names. */
type BackendModule = (
  /** The URL of the store, as it was given. */
  url: string,
  /** The flags that were given. */
  options: Pick<ConnectOptions, "endpoint" | "region" | "credentials" | "readOnly">,
) => ObjectBackend | Promise<ObjectBackend>

/**
 * A backend of a third party. Its module makes it from the URL, prefix and all.
 *
 * @throws {CheckpointError} `CKPT_INVALID` if the module cannot be loaded, or makes no backend
 */
export async function connectModule(module: string, { text }: StoreUrl, options: ConnectOptions): Promise<Connected> {
  const make = (await load(module, options.cwd)).default
  const advice = "its default export must be a function (url) => an ObjectBackend of @ckpt/core"
  if (typeof make !== "function") throw invalid(`--backend ${module} exports ${show(make)} as default; ${advice}`)
  const { endpoint, region, credentials, readOnly } = options
  const backend = await (make as BackendModule)(text, { endpoint, region, credentials, readOnly })
  const methods = ["put", "get", "head", "list", "delete", "now"] as const
  const missing = methods.find((name) => typeof backend?.[name] !== "function")
  if (missing !== undefined) throw invalid(`--backend ${module} gave an object without ${missing}(); ${advice}`)
  return { backend, prefix: "", usualLayout: "objects" }
}

async function load(module: string, cwd: string): Promise<{ readonly default?: unknown }> {
  const isPath = /^(?:\.{0,2}[/\\]|[a-z]:[/\\])|\.[cm]?js$/i.test(module)
  try {
    const file = isPath ? resolve(cwd, module) : createRequire(resolve(cwd, "package.json")).resolve(module)
    return await import(pathToFileURL(file).href)
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw invalid(`--backend ${module} cannot be loaded: ${why}`, cause)
  }
}
