// Filesystems in files, mounted by loop devices. All of it needs root on Linux.
import { execFileSync } from "node:child_process"
import { mkdirSync, truncateSync, writeFileSync } from "node:fs"

const quiet = { stdio: ["ignore", "pipe", "pipe"] }
const command = (name, ...args) => execFileSync(name, args, quiet).toString()

/** How each filesystem is made and mounted. A copy has the same UUID as its original, which XFS refuses without `nouuid`. */
const kinds = {
  ext4: { bytes: 256 << 20, make: ["mkfs.ext4", "-q", "-F"], options: "errors=remount-ro" },
  xfs: { bytes: 512 << 20, make: ["mkfs.xfs", "-q", "-f"], options: "nouuid" },
  btrfs: { bytes: 512 << 20, make: ["mkfs.btrfs", "-q", "-f"], options: "" },
}

export const filesystems = Object.keys(kinds)

/** Makes a filesystem in a new file. */
export function makeImage(path, kind, bytes = kinds[kind].bytes) {
  writeFileSync(path, "", { flag: "wx" })
  truncateSync(path, bytes)
  const [program, ...args] = kinds[kind].make
  command(program, ...args, path)
}

/** Mounts an image, and gives the function that takes it away again. */
export function mount(image, kind, folder) {
  mkdirSync(folder, { recursive: true })
  const { options } = kinds[kind]
  command("mount", "-t", kind, "-o", ["loop", options].filter((one) => one !== "").join(","), image, folder)
  return () => command("umount", folder)
}

/**
 * The image as it is at this moment. A clone of XFS is one step, between two writes of the loop device: it holds what the device
 * was given so far and nothing of what is still in memory, as a disk does after a power cut. A copy that is read while the device
 * is written would mix moments, and no disk has such a state.
 */
export function clone(image, to) {
  command("cp", "--reflink=always", image, to)
}

/** Why this machine has no such images; `undefined` if it has. */
export function problem(kind) {
  if (process.platform !== "linux" || process.getuid() !== 0) return "loop devices need Linux, and root"
  try {
    for (const program of ["losetup", "mount", "mkfs.xfs", kinds[kind].make[0]]) command("which", program)
  } catch (error) {
    return `a program is missing: ${error.spawnargs?.join(" ") ?? error.message} (on Debian: apt-get install xfsprogs btrfs-progs e2fsprogs)`
  }
  return undefined
}
