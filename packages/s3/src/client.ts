import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3"
import { aBoolean, anObject, anything, type ShapeOf } from "@ckpt/core/adapter"
import { assertClient } from "./arguments.js"
import { invalid } from "./errors.js"
import { loadSdk, type Sdk } from "./sdk.js"

/** The part of a client that is used. A client of another copy of the SDK fits too. */
export type S3Requests = Pick<S3Client, "send" | "config">

export interface S3ClientOptions {
  /** A client of yours, used as it is and left open. Give this or the options below. */
  client?: S3Client | undefined
  /** Default: as the SDK finds it (`AWS_REGION`, the profile). */
  region?: S3ClientConfig["region"] | undefined
  /** The address of a store other than Amazon's, such as "http://127.0.0.1:9000". */
  endpoint?: string | undefined
  /** Put the bucket into the path, not into the host name. Most stores other than Amazon's need this. */
  forcePathStyle?: boolean | undefined
  /** Default: as the SDK finds them (environment, profile, container, instance). */
  credentials?: S3ClientConfig["credentials"] | undefined
  /** Any further option of `S3Client`. */
  clientOptions?: S3ClientConfig | undefined
}

const clientOptionNames = ["region", "endpoint", "forcePathStyle", "credentials", "clientOptions"] as const

/** The kinds of {@link S3ClientOptions}. */
export const clientFields: ShapeOf<S3ClientOptions>["fields"] = {
  client: anything,
  // A string, or a function that gives one.
  region: anything,
  endpoint: anything,
  forcePathStyle: aBoolean,
  // An object, or a function that gives one.
  credentials: anything,
  clientOptions: anObject,
}

/** The client that was given, or a new one. Makes no request. */
export async function openClient(options: S3ClientOptions): Promise<S3Client> {
  const { client, region, endpoint, forcePathStyle, credentials, clientOptions } = options
  assertEndpoint(endpoint)
  if (client !== undefined) assertClient(client)
  const given = clientOptionNames.filter((name) => options[name] !== undefined)
  if (client !== undefined && given.length > 0) {
    throw invalid(`client and ${given.join(", ")} were both given; a client brings its own. Give one or the other.`)
  }
  const sdk = await loadSdk()
  return client ?? createClient(sdk, { region, endpoint, forcePathStyle, credentials }, clientOptions)
}

/**
 * A new client. It makes each request once, since the store retries and times out by itself. It has many sockets: a
 * request that waits for a free socket would use up its time-out.
 */
function createClient(
  sdk: Sdk,
  own: Pick<S3ClientOptions, (typeof clientOptionNames)[number]>,
  more: S3ClientConfig = {},
): S3Client {
  const agent = { keepAlive: true, maxSockets: 512 }
  const set = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
  return new sdk.S3Client({
    maxAttempts: 1,
    // Otherwise each part would wait for "100 Continue", on a connection of its own.
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: 10_000, httpAgent: agent, httpsAgent: agent },
    ...more,
    ...set,
  })
}

function assertEndpoint(endpoint: unknown): void {
  if (endpoint === undefined) return
  if (typeof endpoint === "string" && /^https?:\/\//.test(endpoint) && URL.canParse(endpoint)) return
  throw invalid(`endpoint is ${JSON.stringify(endpoint)}; give an address like "https://host:9000".`)
}
