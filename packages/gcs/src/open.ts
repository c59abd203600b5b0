import { type ClaimAtOnce, type Opened, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { anything, aString, checkStoreOptions, type ShapeOf } from "@ckpt/core/adapter"
import { assertBucket } from "./arguments.js"
import { GcsBackend, type GcsBackendOptions } from "./backend.js"
import { assertClient, type ClientOptions, clientFields, type GcsClient, newClient } from "./client.js"
import { invalid } from "./errors.js"
import { aChunkSize } from "./upload.js"

/**
 * A bucket, and either a ready client or the options of `new Storage()`: `projectId`, `keyFilename`, `credentials`,
 * `authClient`, `apiEndpoint`, … Without any of them, Application Default Credentials are used.
 */
export interface GcsStoreOptions extends StoreOptions, ClientOptions {
  /** The name alone, without "gs://". `prefix` names the place inside the bucket. */
  bucket: string
  /** A ready client, used as it is and left open. */
  client?: GcsClient | undefined
  /** The project that pays for the requests, for a bucket whose requester pays. */
  userProject?: string | undefined
  /** Bytes of one request of a long upload, a multiple of 256 KiB. They are held in memory. Default 8 MiB. */
  chunkBytes?: number | undefined
}

const own: ShapeOf<Omit<GcsStoreOptions, keyof StoreOptions>> = {
  fields: { ...clientFields, bucket: anything, client: anything, userProject: aString, chunkBytes: aChunkSize },
  hints: {
    retryOptions: "the store makes the retries: retry: { attempts: 4 }",
    timeout: "the store has the time-out: timeoutMs",
  },
  example: "options: { bucket, … }",
}

/**
 * Opens a store in a bucket of Google Cloud Storage. No request is made before the first operation; the bucket must
 * exist by then.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used, and if neither a client nor the SDK is there;
 *   `CKPT_UNSUPPORTED` with an SDK that is too old
 */
export async function openGcsStore<Claim extends boolean | undefined = undefined>(
  options: GcsStoreOptions & ClaimAtOnce<Claim>,
): Promise<Opened<Claim>> {
  checkStoreOptions("openGcsStore", options, own)
  if (options === undefined) throw invalid("openGcsStore needs options: { bucket, … }.")
  const { client, clientOptions, backendOptions, storeOptions } = splitOptions(options)
  const backend = new GcsBackend({ ...backendOptions, client: client ?? (await newClient(clientOptions)) })
  return openCheckpointStore({ layout: "objects", ...storeOptions, backend, ownsBackend: true })
}

interface SplitOptions {
  readonly client: GcsClient | undefined
  readonly backendOptions: Omit<GcsBackendOptions, "client">
  readonly clientOptions: ClientOptions
  readonly storeOptions: StoreOptions
}

/** @throws {CheckpointError} `CKPT_INVALID`, saying what to give instead */
function splitOptions(options: GcsStoreOptions): SplitOptions {
  const { bucket, client, userProject, chunkBytes, ...rest } = options
  assertBucket(bucket)
  const isForClient = (name: string) => Object.hasOwn(clientFields, name)
  const given = Object.entries(rest).filter(([, value]) => value !== undefined)
  const forClient = given.filter(([name]) => isForClient(name))
  if (client !== undefined) assertClient(client)
  if (client !== undefined && forClient.length > 0) {
    const names = forClient.map(([name]) => name).join(", ")
    throw invalid(`client and ${names} were given: set ${names} on the client, or leave the client out.`)
  }
  return {
    client,
    backendOptions: { bucket, userProject, chunkBytes },
    clientOptions: Object.fromEntries(forClient),
    storeOptions: Object.fromEntries(given.filter(([name]) => !isForClient(name))),
  }
}
