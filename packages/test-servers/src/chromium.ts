import { existsSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { cacheFolder } from "./ceph-install.js"
import { run } from "./command.js"
import { type Host, thisHost } from "./host.js"
import { leaveOut } from "./left-out.js"

const remedy = "Set CKPT_TEST_CHROMIUM to the path of any Chromium or Chrome."

/** Where Debian's package puts it. */
const debian = "/usr/bin/chromium"

// Tried without `apt-get update` first: package lists are often there, and the update costs more than the package.
const install = `
[ ! -e ${debian} ] || exit 0
install() { apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 chromium; }
install || { apt-get update && install; }
`

/**
 * The path of a Chromium for tests of pages: that of CKPT_TEST_CHROMIUM, otherwise Debian's, which is installed first if need be
 * (about 120 MB, once). On a machine that cannot install it: undefined, and a line on stderr.
 *
 * @throws Error if it cannot be installed, and with CI=true if this machine cannot install it
 */
export async function findChromium(host: Host = thisHost, path: string = debian): Promise<string | undefined> {
  const given = process.env["CKPT_TEST_CHROMIUM"]
  if (given) return given
  if (existsSync(path)) return path
  const reason = whyNot(host)
  if (reason !== undefined) return leaveOut("a browser (Chromium)", reason, remedy)
  await installChromium()
  return path
}

function whyNot(host: Host): string | undefined {
  if (host.platform !== "linux") return `it is installed on Linux only, and this is ${host.platform}`
  if (host.uid !== 0) return "only root can install it"
  return host.has("apt-get") ? undefined : "it is installed with apt-get, which is not here"
}

/** Processes that install at once take turns; the later ones find it there. */
async function installChromium(): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true })
  process.stderr.write("Installing Chromium for the tests of the page, once; this takes a minute or less.\n")
  // It may outlive this process: to end it would leave the machine's own package manager half done.
  const lock = ["--no-fork", join(cacheFolder(), "chromium.lock")]
  const env = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" }
  const { status, output } = await run("flock", [...lock, "sh", "-c", install], env)
  if (status !== 0) throw new Error(`Chromium could not be installed: flock ended with ${status}.\n${output}`)
}
