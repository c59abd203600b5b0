import { type CheckpointStore, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { GcsBackend, type GcsBackendOptions } from "./backend.js"
import { assertClient, type ClientOptions, type GcsClient, newClient } from "./client.js"
import { invalid } from "./errors.js"
import { assertChunkBytes } from "./upload.js"

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

/**
 * Opens a store in a bucket of Google Cloud Storage. No request is made before the first operation; the bucket must
 * exist by then.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used
 */
export async function openGcsStore(options: GcsStoreOptions): Promise<CheckpointStore> {
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

const storeOptionNames = [
  "layout",
  "prefix",
  "retain",
  "expect",
  "readOnly",
  "retry",
  "timeoutMs",
  "onEvent",
  "clock",
  "random",
] as const satisfies readonly (keyof StoreOptions)[]

// An option whose name is missing above would reach the client instead of the store.
type Missing = Exclude<keyof StoreOptions, (typeof storeOptionNames)[number]>
const nothingMissing: [Missing] extends [never] ? true : Missing = true
void nothingMissing

/** @throws {CheckpointError} `CKPT_INVALID`, saying what to give instead */
function splitOptions(options: GcsStoreOptions): SplitOptions {
  const { bucket, client, userProject, chunkBytes, ...rest } = options
  assertBucket(bucket)
  if (chunkBytes !== undefined) assertChunkBytes(chunkBytes)
  const isStoreOption = (name: string) => (storeOptionNames as readonly string[]).includes(name)
  const given = Object.entries(rest).filter(([, value]) => value !== undefined)
  const forClient = given.filter(([name]) => !isStoreOption(name))
  if (client !== undefined) assertClient(client)
  if (client !== undefined && forClient.length > 0) {
    const names = forClient.map(([name]) => name).join(", ")
    throw invalid(`client and ${names} were given: set ${names} on the client, or leave the client out.`)
  }
  return {
    client,
    backendOptions: { bucket, userProject, chunkBytes },
    clientOptions: Object.fromEntries(forClient),
    storeOptions: Object.fromEntries(given.filter(([name]) => isStoreOption(name))),
  }
}

function assertBucket(bucket: unknown): void {
  if (typeof bucket !== "string" || bucket === "") {
    throw invalid("bucket is missing: give the name of a Google Cloud Storage bucket.")
  }
  if (/^\w+:\/\//.test(bucket) || bucket.includes("/")) {
    throw invalid(`bucket is "${bucket}": give the name alone, without "gs://"; what comes after it is the prefix.`)
  }
  // https://cloud.google.com/storage/docs/buckets#naming has more rules, which the service checks.
  if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(bucket)) {
    throw invalid(`bucket is "${bucket}": names have lower-case letters, digits, "-", "_" and ".", at least three.`)
  }
}
