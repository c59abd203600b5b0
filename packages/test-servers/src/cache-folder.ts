import { homedir } from "node:os"
import { join } from "node:path"

/** The folder under which the servers are kept: `ckpt-test-servers` in XDG_CACHE_HOME or `~/.cache`. */
export function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "ckpt-test-servers")
}
