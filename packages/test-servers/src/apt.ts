import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { cacheFolder } from "./cache-folder.js"
import { run } from "./command.js"

// Tried without `apt-get update` first: package lists are often there, and the update costs more than the packages.
const install = (isThere: string, packages: string) => `
${isThere} && exit 0
install() { apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 ${packages}; }
install || { apt-get update && install; }
`

/**
 * Installs packages of Debian, as root. Processes that install at once take turns: apt-get itself waits for the lock of the packages,
 * and not for that of the lists. The later ones find it done.
 *
 * @param what for the message of a failure
 * @param isThere shell text that succeeds if nothing is to be done
 * @throws Error with the whole output of apt-get
 */
export async function installPackages(what: string, isThere: string, packages: readonly string[]): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true })
  // It may outlive this process: to end it would leave the machine's own package manager half done.
  const script = ["sh", "-c", install(isThere, packages.join(" "))]
  const env = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" }
  const { status, output } = await run("flock", ["--no-fork", join(cacheFolder(), "apt.lock"), ...script], env)
  if (status !== 0) throw new Error(`${what} could not be installed: flock ended with ${status}.\n${output}`)
}
