import { dirname } from "node:path"
import { BackendError } from "@ckpt/core"
import { type Doubt, registry } from "./registry.js"

export function markDoubtful(path: string, doubt: Doubt): void {
  if (registry.doubtful.get(path) !== "created") registry.doubtful.set(path, doubt)
}

/** To be called when a name was replaced and that was synced: its entry was written anew, so an older doubt is over. */
export function clearReplaced(path: string): void {
  if (registry.doubtful.get(path) === "replaced") registry.doubtful.delete(path)
}

/** The name in doubt that `path` is, or lies below. */
function findDoubt(path: string): { path: string; doubt: Doubt } | undefined {
  if (registry.doubtful.size === 0) return undefined
  for (let name = path, parent = dirname(name); ; name = parent, parent = dirname(name)) {
    const doubt = registry.doubtful.get(name)
    if (doubt !== undefined) return { path: name, doubt }
    if (parent === name) return undefined
  }
}

/**
 * Throws if `path` is in doubt, or lies below a name in doubt. With `replacing`, a name that is in doubt as `replaced`
 * may be replaced again.
 */
export function refuseDoubtful(path: string, replacing = false): void {
  const found = findDoubt(path)
  if (found === undefined || (replacing && found.doubt === "replaced" && found.path === path)) return
  throw new BackendError(
    "ambiguous",
    `cannot confirm a write to ${path}: an earlier sync of the directory entry ${found.path} failed, and another one would prove nothing. ` +
      "Check the disk, then restart the process.",
    { unsettleable: true },
  )
}
