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
