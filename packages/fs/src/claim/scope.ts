import type { ClaimedKeys } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { prefixFolders } from "../files/paths.js"

/** What a claim is about: the folder that it is made in, and the folders below it. */
export interface Scope {
  /** From the root to the folder of the claim. */
  readonly own: readonly string[]
  /** The names of the folders in `own` that are claimed; `undefined`: all that is in it. */
  readonly names: readonly string[] | undefined
  /** Whether the folder, on the way from the root, may be of the claimed keys. */
  mayHold(folders: readonly string[]): boolean
}

/** @throws {BackendError} `permanent` if no whole folders are meant */
export function scopeOf(prefix: string, keys: ClaimedKeys | undefined): Scope {
  if (prefix !== "" && !prefix.endsWith("/")) {
    throw new BackendError("permanent", `cannot claim ${prefix}: only whole folders are claimed. End it with a slash.`)
  }
  const own = prefixFolders(prefix)
  if (keys === undefined) return { own, names: undefined, mayHold: () => true }
  const names = keys.prefixes.map((one) => {
    const [name, ...deeper] = one.startsWith(prefix) ? prefixFolders(one).slice(own.length) : []
    if (name === undefined || deeper.length > 0 || !one.endsWith("/"))
      throw new BackendError("permanent", `cannot claim ${one}: give the prefix ${prefix}, one folder, and a slash.`)
    return name
  })
  return { own, names, mayHold: (folders) => keys.mayHold(`${folders.join("/")}/`) }
}
