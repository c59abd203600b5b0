import { existsSync } from "node:fs"
import { tmpdir } from "node:os"

/**
 * A place in memory, where the system has one: a sync costs nothing there. For tests that make tens of thousands of syncs and look
 * at none of them. All other tests use the disk.
 */
export const withoutDisk = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()
