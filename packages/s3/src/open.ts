import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3"
import { CheckpointError, type CheckpointStore, openCheckpointStore, type StoreOptions } from "@ckpt/core"
import { S3Backend } from "./s3-backend.js"

export interface S3StoreOptions extends StoreOptions {
  /** The bare name, or the ARN of an access point. It must exist. */
  bucket: string
  /** A client of yours, used as it is and left open. Give this or the options below. */
  client?: S3Client | undefined
  /** Default: what the SDK finds (`AWS_REGION`, the profile). */
  region?: S3ClientConfig["region"] | undefined
  /** Of a store other than Amazon's, such as "http://127.0.0.1:9000". */
  endpoint?: string | undefined
  /** The bucket in the path, not in the host name. Most stores other than Amazon's want it. */
  forcePathStyle?: boolean | undefined
  /** Default: what the SDK finds (environment, profile, container, instance). */
  credentials?: S3ClientConfig["credentials"] | undefined
  /** Any further option of `S3Client`. */
  clientOptions?: S3ClientConfig | undefined
  /**
   * Bytes of each part of a state that is sent in parts, from 5 MiB to 2 GiB. Default 8 MiB, growing where 10,000 of them
   * would not do. Four are sent at once, and up to five are in memory.
   */
  partBytes?: number | undefined
}

const clientOptionNames = ["region", "endpoint", "forcePathStyle", "credentials", "clientOptions"] as const

/**
 * Opens a store in a bucket. Makes no request.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for options that cannot be used
 */
export async function openS3Store(options: S3StoreOptions): Promise<CheckpointStore> {
  const { bucket, client, region, endpoint, forcePathStyle, credentials, clientOptions, partBytes, ...rest } = options
  assertBucket(bucket)
  assertEndpoint(endpoint)
  if (client !== undefined && typeof client?.send !== "function") {
    throw invalid("client is no S3Client; give new S3Client() of @aws-sdk/client-s3, or its options instead.")
  }
  const given = clientOptionNames.filter((name) => options[name] !== undefined)
  if (client !== undefined && given.length > 0) {
    throw invalid(`client and ${given.join(", ")} were both given; a client brings its own. Give one or the other.`)
  }
  const prefix = rest.prefix && !rest.prefix.endsWith("/") ? `${rest.prefix}/` : rest.prefix
  const backend = new S3Backend({
    client: client ?? createClient({ region, endpoint, forcePathStyle, credentials }, clientOptions),
    ...{ bucket, prefix, partBytes },
    ownsClient: client === undefined,
  })
  return openCheckpointStore({ ...rest, backend, ownsBackend: true })
}

/**
 * A client for a store that retries and times out by itself: the SDK makes each request once. A queue for connections
 * would count against the time-out of whoever waits in it, hence the many sockets.
 */
function createClient(
  own: Pick<S3StoreOptions, (typeof clientOptionNames)[number]>,
  more: S3ClientConfig = {},
): S3Client {
  const agent = { keepAlive: true, maxSockets: 512 }
  const set = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
  return new S3Client({
    maxAttempts: 1,
    // Each part would wait for "100 Continue", on a connection of its own.
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: 10_000, httpAgent: agent, httpsAgent: agent },
    ...more,
    ...set,
  })
}

function assertBucket(bucket: unknown): void {
  if (typeof bucket !== "string" || bucket === "")
    throw invalid("bucket is missing; give the name of a bucket that exists.")
  const [, name, path] = /^s3:\/\/([^/]*)\/?(.*)$/.exec(bucket) ?? []
  if (name !== undefined) {
    throw invalid(`bucket is "${bucket}"; give bucket: "${name}"${path ? ` and prefix: "${path}"` : ""}.`)
  }
  if (bucket.includes("/") && !bucket.startsWith("arn:")) {
    throw invalid(`bucket is "${bucket}"; a bucket has no "/" in its name. What follows it belongs in prefix.`)
  }
}

function assertEndpoint(endpoint: unknown): void {
  if (endpoint === undefined) return
  if (typeof endpoint === "string" && /^https?:\/\//.test(endpoint) && URL.canParse(endpoint)) return
  throw invalid(`endpoint is ${JSON.stringify(endpoint)}; give an address like "https://host:9000".`)
}

function invalid(message: string): CheckpointError {
  return new CheckpointError("CKPT_INVALID", message, { backend: "s3" })
}
