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
  const found = await mapConcurrently(keys, async (key) => {
    const segments = keySegments(key)
    const path = await root.locate(real, segments)
    return path === undefined || (await lookUp(root.files, path)) === undefined ? [] : [{ path, segments }]
  })
  // One sync of a folder is enough for all its names.
  const folders = new Map<string, { readonly way: readonly string[]; readonly paths: string[] }>()
  for (const { path, segments } of found.flat()) {
    const folder = folders.get(dirname(path))
    if (folder === undefined) folders.set(dirname(path), { way: segments.slice(0, -1), paths: [path] })
    else folder.paths.push(path)
  }
  await mapConcurrently([...folders], async ([folder, { way, paths }]) => {
    if (!syncs) {
      for (const path of paths) await settleDoubts(path)
      return
    }
    await directories.confirm(real, way)
    const directory = await openDirectory(root.files, folder)
    try {
      await syncFound(root.files, paths, directory)
    } finally {
      // The directory was only read: a close that fails undoes nothing.
      await directory?.close().catch(() => undefined)
    }
  })
  if (signal?.aborted) throw new CallerError(signal.reason)
}
