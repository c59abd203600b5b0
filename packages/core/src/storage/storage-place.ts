import type { ObjectBackend } from "./backend.js"

/**
 * A storage and a place in it, as the `fromUrl` of each storage package gives them. The fields are options of `openCheckpointStore` and of
 * `CkptSaver`: `new CkptSaver(await fromUrl("s3://my-bucket/threads"))`. `openObjects` takes the backend first, and the others as options.
 */
export interface StoragePlace {
  /** The storage. No request was made. */
  readonly backend: ObjectBackend
  /** What stands before the keys: empty, or segments that end in "/". */
  readonly prefix: string
  /** The backend is closed by what is opened on it. Whoever opens nothing disposes of the backend. */
  readonly ownsBackend: true
  /** Milliseconds, for a storage that may be silent for longer than the usual time-out allows. */
  readonly timeoutMs?: number
}
