import { dirname } from "node:path"
import { mapConcurrently } from "@ckpt/core/adapter"
import type { Access } from "../claim/fence.js"
import { settleDoubts } from "../files/doubts.js"
import { CallerError, throwIfAborted } from "../files/errors.js"
import { lookUp } from "../files/file-info.js"
import { keySegments } from "../files/paths.js"
import { syncFound } from "../files/publish.js"
import { openDirectory } from "../files/sync-directory.js"

/**
 * Makes durable what is visible at the keys: the folders on the way, and the name itself. Waits for the syncs under way of
 * these names. A key at which nothing is left is passed over.
 *
 * @param options.syncs false: nothing is synced, and what this process knows decides alone. A filesystem that is mounted read-only may
 *   refuse a sync (squashfs, ISO 9660)
 */
export async function confirmObjects(
  { root, directories }: Access,
  keys: readonly string[],
  { signal, syncs }: { readonly signal: AbortSignal | undefined; readonly syncs: boolean },
): Promise<void> {
  throwIfAborted(signal)
  const real = await root.resolve()
  if (real === undefined) return
  await mapConcurrently(keys, async (key) => {
    const segments = keySegments(key)
    const path = await root.locate(real, segments)
    if (path === undefined || (await lookUp(root.files, path)) === undefined) return
    if (!syncs) {
      await settleDoubts(path)
      return
    }
    await directories.confirm(real, segments.slice(0, -1))
    const directory = await openDirectory(root.files, dirname(path))
    try {
      await syncFound(root.files, path, directory)
    } finally {
      // The directory was only read: a close that fails undoes nothing.
      await directory?.close().catch(() => undefined)
    }
  })
  if (signal?.aborted) throw new CallerError(signal.reason)
}
