import { accessSync, constants, statfsSync } from "node:fs"
import { tmpdir } from "node:os"

const inMemory = "/dev/shm"

/** A container may have one that is small, or may not write to it. */
function hasRoom(): boolean {
  try {
    accessSync(inMemory, constants.W_OK)
    const { bavail, bsize } = statfsSync(inMemory)
    return bavail * bsize > 512 * 1024 * 1024
  } catch {
    return false
  }
}

/**
 * A place in memory, where the system has one: a sync costs nothing there. For tests that make tens of thousands of syncs and look
 * at none of them. All other tests use the disk.
 */
export const withoutDisk = hasRoom() ? inMemory : tmpdir()
