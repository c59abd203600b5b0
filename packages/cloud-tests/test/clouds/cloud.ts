import type { CheckpointStore, ObjectBackend, StoreOptions } from "@ckpt/core"
import type { ProxiedRequest } from "@ckpt/fault-proxy"

/** What a request of an SDK is to a store. */
export type RequestKind =
  /** One request that writes a whole object. */
  "put" | "begin" | "part" | "completion" | "get" | "head" | "list" | "delete" | "other"

export interface SeenRequest {
  readonly kind: RequestKind
  /** Of the object, without the bucket; the first one of a batch is not known. */
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
  /** With all that is in it, where the server gets slower with what it holds. */
  dropBucket?(name: string): Promise<void>
  openStore(place: Place, options: StoreOptions): Promise<CheckpointStore>
  openBackend(place: Place): ObjectBackend
  see(request: ProxiedRequest): SeenRequest
  /** A body that says, under status 200, that the request failed. */
  readonly errorBody: string
}
