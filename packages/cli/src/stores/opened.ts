import { realpath } from "node:fs/promises"
import type { CheckpointStore, LayoutName, ObjectBackend } from "@ckpt/core"

/** A store that was opened from its URL. */
export interface OpenedStore {
  /** The URL, as it was given. */
  readonly url: string
  /** A short name for it: the last segment of the URL. */
  readonly name: string
  /** How its keys are made: as it was said, or as it was found. */
  readonly layout: LayoutName
  /** What stands before its keys in the backend: empty, or segments that end in "/". */
  readonly prefix: string
  /** The folder of a `file:` URL. Absent for other storages. */
  readonly folder?: string
  /** Milliseconds that one question of the command's own may take, as `--timeout` says. Absent: the usual ones. */
  readonly timeoutMs?: number
  /** The store. Closed by {@link OpenedStore.close}. */
  readonly store: CheckpointStore
  /** The storage below the store. */
  readonly backend: ObjectBackend
  /** Closes the store and the storage. */
  close(): Promise<void>
}

/** Whether two URLs are of one place, and their stores of one layout. Both are reached by the same flags. */
export async function isSamePlace(a: OpenedStore, b: OpenedStore): Promise<boolean> {
  if (a.layout !== b.layout || a.prefix !== b.prefix) return false
  if (a.folder !== undefined && b.folder !== undefined) return (await realOf(a.folder)) === (await realOf(b.folder))
  return withoutSlash(a.url) === withoutSlash(b.url)
}

/** A folder that is not there yet is no other folder's. */
async function realOf(folder: string): Promise<string> {
  return realpath(folder).catch(() => folder)
}

/** A backend of a third party may tell `x` from `x/`. */
function withoutSlash(url: string): string {
  return /^(?:s3|gs|az):/i.test(url) ? url.replace(/\/+$/, "") : url
}
