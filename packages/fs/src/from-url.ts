import type { StoragePlace } from "@ckpt/core"
import { checkOptions, folderOfUrl } from "@ckpt/core/adapter"
import { FsBackend, type FsBackendOptions, fsBackendShape, usualTimeoutMs } from "./backend.js"

/**
 * A folder, by its URL: `file:./data`, from the current folder of the process, or `file:///var/lib/job`. Nothing is looked at, and nothing
 * is created before the first write.
 *
 * @param url text, with %23 for #, %3F for ? and %25 for %
 * @throws {CheckpointError} `CKPT_INVALID` for a URL or options that cannot be used
 */
export async function fromUrl(url: string, options: FsBackendOptions = {}): Promise<StoragePlace> {
  const folder = folderOfUrl(url)
  checkOptions("fromUrl", options, fsBackendShape)
  return { backend: new FsBackend(folder, options), prefix: "", ownsBackend: true, timeoutMs: usualTimeoutMs }
}
