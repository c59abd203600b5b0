import { dirname } from "node:path"
import { BackendError } from "@ckpt/core"
import { type Doubt, registry } from "./registry.js"

export function markDoubtful(path: string, doubt: Doubt): void {
  if (registry.doubtful.get(path) !== "created") registry.doubtful.set(path, doubt)
}

/** A replaced name was replaced again and that was synced: the entry was written anew, so the old doubt is over. */
export function clearReplaced(path: string): void {
  if (registry.doubtful.get(path) === "replaced") registry.doubtful.delete(path)
}

/** The doubtful name that `path` is or lies below. */
function findDoubt(path: string): { path: string; doubt: Doubt } | undefined {
  if (registry.doubtful.size === 0) return undefined
  for (let name = path, parent = dirname(name); ; name = parent, parent = dirname(name)) {
    const doubt = registry.doubtful.get(name)
    if (doubt !== undefined) return { path: name, doubt }
    if (parent === name) return undefined
  }
}

/** Rejects if `path` is, or is in, something whose directory sync failed in this process. */
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
