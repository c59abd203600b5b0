import { execFile } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"

/** The facts of the machine on which the servers depend. A test passes those of a poorer machine, to see the answer. */
export interface Host {
  readonly platform: string
  /** The effective user id; undefined where there are none (Windows). */
  readonly uid: number | undefined
  /** Whether a command of this name is on the PATH. */
  has(command: string): boolean
  /** Whether this user may make mount and process namespaces. Example: root in a container without rights may not. */
  canIsolate(): Promise<boolean>
}

/** Options of `unshare`: when the first process ends, so do all other processes and the mounts. */
export const isolation = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]

export const thisHost: Host = {
  platform: process.platform,
  uid: process.geteuid?.(),
  has(command) {
    const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "")
    return folders.some((folder) => isExecutable(join(folder, command)))
  },
  canIsolate() {
    return new Promise((resolve) => execFile("unshare", [...isolation, "true"], (error) => resolve(error === null)))
  },
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
