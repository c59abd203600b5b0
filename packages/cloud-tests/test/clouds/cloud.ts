import type { CheckpointStore, ObjectBackend, StoreOptions } from "@ckpt/core"
import type { ProxiedRequest } from "@ckpt/fault-proxy"

/** The kind of a request of an SDK, as a store sees it. */
export type RequestKind =
  /** One request that writes a whole object. */
  "put" | "begin" | "part" | "completion" | "get" | "head" | "list" | "delete" | "other"

export interface SeenRequest {
  readonly kind: RequestKind
  /** The key of the object, without the bucket; not known for a batch. */
  readonly key: string | undefined
  readonly bucket: string | undefined
}

export interface Place {
  readonly endpoint: string
  readonly bucket: string
}

/** One storage service: a real server, the backend for it, and how to read its requests. */
export interface Cloud {
  readonly name: "s3" | "azure" | "gcs"
  /** The server itself, `http://127.0.0.1:PORT`. */
  readonly endpoint: string
  createBucket(name: string): Promise<void>
  /** Removes the bucket with all of its objects. Only for a server that gets slower the more objects it holds. */
  dropBucket?(name: string): Promise<void>
  /** What the package's own function needs to open a store there. */
  options(place: Place): Record<string, unknown>
  openStore(place: Place, options: StoreOptions): Promise<CheckpointStore>
  openBackend(place: Place): ObjectBackend
  see(request: ProxiedRequest): SeenRequest
  /** A body that tells, with status 200, that the request failed. */
  readonly errorBody: string
}
