import { type ClaimAtOnce, type Opened, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { checkStoreOptions } from "@ckpt/core/adapter"
import { FsBackend, fsBackendShape, type SecondWriter, usualTimeoutMs } from "./backend.js"
import type { FileApi } from "./files/file-api.js"
import { rootPath } from "./files/root-path.js"

/** The options of every store, and those of the filesystem. */
export interface FsStoreOptions extends StoreOptions {
  /** The file calls, for tests that count or break them. Default `node:fs/promises`. */
  files?: FileApi | undefined
  /**
   * Milliseconds of silence after which `claim()` supersedes a holder of which nothing else is known: 50 or more, default 10,000. A
   * holder shows life five times in this time. If two processes differ, the longer time holds.
   */
  silentAfterMs?: number | undefined
  /**
   * A root that does not exist is `CKPT_IO`, not a fresh start: for a store that was there before, on a volume that may not be
   * mounted yet. Default false.
   */
  mustExist?: boolean | undefined
  /**
   * False: names are not synced, for filesystems that cannot sync a folder (CIFS, some FUSE filesystems). After a power cut, a
   * save that was acknowledged may be gone. Default true: such a filesystem is `CKPT_UNSUPPORTED`.
   */
  directorySync?: boolean | undefined
  /**
   * If another process that lives writes to the same store without a claim: "warn" tells it (the event `second-writer`, a warning of
   * the process), "refuse" rejects every change with `CKPT_FENCED`. Default "warn". Told on Linux, within one container.
   */
  secondWriter?: SecondWriter | undefined
}

/**
 * Opens a store in a folder. Missing folders are created by the first write, and nothing before it. By default, `layout` is
 * "directory" and `timeoutMs` 300,000.
 *
 * @param root the folder that holds (or will hold) `checkpoints/`, as a path or a `file:` URL
 * @throws {CheckpointError} `CKPT_INVALID` for a root or options that cannot be used
 */
export async function openFsStore<Claim extends boolean | undefined = undefined>(
  root: string | URL,
  options: FsStoreOptions & ClaimAtOnce<Claim> = {},
): Promise<Opened<Claim>> {
  const path = rootPath("openFsStore", root)
  checkStoreOptions("openFsStore", options, fsBackendShape)
  const { files, silentAfterMs, mustExist, directorySync, secondWriter, ...rest } = options
  const { readOnly } = rest
  const backend = new FsBackend(path, { files, silentAfterMs, mustExist, directorySync, secondWriter, readOnly })
  const defaults = { layout: "directory", timeoutMs: usualTimeoutMs } as const
  return openCheckpointStore({ ...defaults, ...rest, backend, ownsBackend: true })
}
