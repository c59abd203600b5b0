import { existsSync } from "node:fs"
import { installPackages } from "./apt.js"
import { type Host, thisHost } from "./host.js"
import { leaveOut } from "./left-out.js"

const remedy = "Set CKPT_TEST_CHROMIUM to the path of any Chromium or Chrome."

/** Where Debian's package puts it. */
const debian = "/usr/bin/chromium"

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
  process.stderr.write("Installing Chromium for the tests of the page, once; this takes a minute or less.\n")
  await installPackages("Chromium", `[ -e ${debian} ]`, ["chromium"])
  return path
}

function whyNot(host: Host): string | undefined {
  if (host.platform !== "linux") return `it is installed on Linux only, and this is ${host.platform}`
  if (host.uid !== 0) return "only root can install it"
  return host.has("apt-get") ? undefined : "it is installed with apt-get, which is not here"
}
