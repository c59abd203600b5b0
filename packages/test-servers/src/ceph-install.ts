import { existsSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { installPackages } from "./apt.js"
import { cacheFolder } from "./cache-folder.js"
import { run } from "./command.js"
import { isolation } from "./host.js"

// The number goes up with every change of the installed packages, so that an older cache is not used.
const folderName = `ceph-forky-1-${process.arch}`

/** The root folder of its own in which Ceph is, or will be, installed. */
export function cephRoot(cache: string = cacheFolder()): string {
  return join(cache, folderName)
}

export function cephInstalled(cache?: string): boolean {
  return existsSync(cephRoot(cache))
}

const isPrepared = "command -v mmdebstrap && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]"

const debootstrap = `
mmdebstrap --mode=root --variant=apt --aptopt='APT::Install-Recommends "false"' \
  --aptopt='Acquire::Check-Valid-Until "false"' --include=radosgw,ceph-mon,ceph-osd forky "$1.partial"
`

// The former holder of the lock may have installed it already. Otherwise the remains of an interrupted installation may
// be there, under their own name. They can be removed: this process holds the lock, so no other one is installing.
const build = (fill: string): string => `
set -e
[ ! -e "$1" ] || exit 0
rm -rf --one-file-system "$1.partial"
${fill}
sync -f "$1.partial"
mv -T "$1.partial" "$1"
`

export interface InstallOptions {
  /** Default: `cacheFolder()`. */
  cache?: string
  /** Shell text that fills the folder `$1.partial` instead; for the tests. */
  fill?: string
}

/**
 * Installs Ceph into the cache unless it is there; about 200 MB are received, 700 MB stay on disk. The folder is built
 * under another name and renamed when complete. Processes that install at once take turns by a file lock, which the
 * kernel frees when its holder dies; the later processes find the folder and do nothing.
 *
 * @returns the root folder
 * @throws Error with the whole output of a command that failed
 */
export async function installCeph(options: InstallOptions = {}): Promise<string> {
  const root = cephRoot(options.cache)
  if (existsSync(root)) return root
  await mkdir(join(root, ".."), { recursive: true })
  process.stderr.write(`Installing Ceph for the S3 tests into ${root}, once; this takes a minute or two.\n`)
  const lock = ["--no-fork", `${root}.lock`]
  if (options.fill === undefined) await installPackages("Ceph", isPrepared, ["mmdebstrap", "debian-archive-keyring"])
  await succeed("setpriv", [
    ...["--pdeathsig", "KILL", "flock", ...lock],
    ...["unshare", ...isolation, "sh", "-c", build(options.fill ?? debootstrap), "install", root],
  ])
  return root
}

async function succeed(command: string, args: readonly string[]): Promise<void> {
  const { status, output } = await run(command, args, { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" })
  if (status !== 0) throw new Error(`Ceph could not be installed: ${command} ended with ${status}.\n${output}`)
}
